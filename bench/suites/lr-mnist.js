// Logistic regression on digits: 1,000 clients, ten a round, 100 rounds, batches of ten, rate 0.03. The whole command, and one client's update.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeSafetensors } from "@fedclair/core";
import { fedclairRun } from "../harness/fedclair.js";
import { trainer } from "../harness/trainer.js";
import { clients, cohort, lrMnist, rounds, trial } from "../lr-mnist/data.js";
import { choose } from "../../libs/tasks/dist/src/digits/images.js";
import { readFolder } from "../../libs/tasks/dist/src/digits/data.js";
import { measure } from "../../libs/tasks/dist/src/digits/training.js";

export const title =
  "LR-MNIST, beside loops in PyTorch and NumPy (and Flower's simulation with --flower)";

const flowerApp = fileURLToPath(new URL("../peers/flower_lr_mnist.py", import.meta.url));

export async function* items({ flower }) {
  const place = await lrMnist();
  const loop = (library) => ({ peer: "lr_mnist", options: { folder: place.folder, library } });
  const others = { PyTorch: loop("torch"), NumPy: loop("numpy") };
  const whole = (...how) => ({ run: () => command(place, how) });
  yield {
    name: "whole command, in memory, one process",
    sides: { fedclair: whole("--transport", "memory"), ...others },
  };
  yield {
    name: "whole command, over sockets, two hosts",
    cores: 2,
    sides: {
      fedclair: whole("--hosts", "2"),
      ...(flower && { Flower: { once: true, run: () => simulated(flower, place.folder) } }),
    },
  };
  const steps = (library) => ({
    peer: "lr_mnist",
    options: { folder: place.folder, library, updates },
    per: updates,
  });
  const { train } = await trainer(trial);
  const trained = Array.from({ length: updates }, (_, i) => (7 * i) % clients);
  yield {
    name: "one client's update, seven steps",
    sides: {
      fedclair: { run: () => train(trained), per: updates },
      PyTorch: steps("torch"),
      NumPy: steps("numpy"),
    },
  };
}

/** Of one run: enough that reading the clock counts for nothing. */
const updates = 100;

/** `fedclair run`, from its start to its end. @returns as facts the accuracy on digits that nobody holds */
async function command({ folder, trial: file }, how) {
  const { ms, out } = await fedclairRun(file, how);
  return { ms, facts: { accuracy: await accuracyOf(out, folder) } };
}

let test;

async function accuracyOf(run, folder) {
  if (test === undefined) {
    const parts = JSON.parse(await readFile(join(folder, "parts.json"), "utf8"));
    test = choose(await readFolder(join(folder, "digits")), parts.test);
  }
  const { params } = decodeSafetensors(await readFile(join(run, "params.safetensors")));
  return (await measure(params, test)).accuracy;
}

/** Flower's simulation of the same, on all cores. */
async function simulated(python, folder) {
  const args = [flowerApp, folder, String(clients), String(cohort), String(rounds)];
  const child = spawn(python, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [said, log] = ["", ""];
  child.stderr.on("data", (text) => (log = (log + text).slice(-10_000)));
  child.stdout.on("data", (text) => (said += text));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`Flower ended with ${code}:\n${log}`);
  const { accuracy, ms, versions } = JSON.parse(said.trim().split("\n").at(-1));
  return { ms, facts: { accuracy }, versions };
}

// Logistic regression on digits: 1,000 clients, ten per round, 100 rounds, batches of ten, rate
// 0.03. Times the whole command and one client's update.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeSafetensors } from "@fedclair/core";
import { choose, measure, readFolder } from "@fedclair/tasks/internal";
import { runFedclair } from "../harness/fedclair.js";
import { createTrainer } from "../harness/trainer.js";
import { clients, cohort, lrMnist, rounds, trial } from "../lr-mnist/data.js";

export const title =
  "LR-MNIST, next to loops in PyTorch and NumPy (and Flower's simulation with --flower)";

const flowerApp = fileURLToPath(new URL("../peers/flower_lr_mnist.py", import.meta.url));

export async function* items({ flower }) {
  const place = await lrMnist();
  const loop = (library) => ({ peer: "lr_mnist", options: { folder: place.folder, library } });
  const others = { PyTorch: loop("torch"), NumPy: loop("numpy") };
  const whole = (...how) => ({ run: () => runCommand(place, how) });
  yield {
    name: "whole command, in memory, one process",
    sides: { fedclair: whole("--transport", "memory"), ...others },
  };
  yield {
    name: "whole command, over sockets, two hosts",
    cores: 2,
    sides: {
      fedclair: whole("--hosts", "2"),
      ...(flower && { Flower: { once: true, run: () => runFlower(flower, place.folder) } }),
    },
  };
  const steps = (library) => ({
    peer: "lr_mnist",
    options: { folder: place.folder, library, updates },
    per: updates,
  });
  const { train } = await createTrainer(trial);
  const indices = Array.from({ length: updates }, (_, i) => (7 * i) % clients);
  yield {
    name: "one client's update, seven steps",
    sides: {
      fedclair: { run: () => train(indices), per: updates },
      PyTorch: steps("torch"),
      NumPy: steps("numpy"),
    },
  };
}

/** Updates in one run, enough to make the cost of reading the clock negligible. */
const updates = 100;

/** Times a whole `fedclair run`. @returns ms, and as a fact the accuracy on digits of no client */
async function runCommand({ folder, trial: file }, how) {
  const { ms, out } = await runFedclair(file, how);
  return { ms, facts: { accuracy: await measureAccuracy(out, folder) } };
}

let test;

async function measureAccuracy(run, folder) {
  if (test === undefined) {
    const parts = JSON.parse(await readFile(join(folder, "parts.json"), "utf8"));
    test = choose(await readFolder(join(folder, "digits")), parts.test);
  }
  const { params } = decodeSafetensors(await readFile(join(run, "params.safetensors")));
  return (await measure(params, test)).accuracy;
}

/** Runs Flower's simulation of the same trial on all cores. */
async function runFlower(python, folder) {
  const args = [flowerApp, folder, String(clients), String(cohort), String(rounds)];
  const child = spawn(python, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, log] = ["", ""];
  child.stderr.on("data", (text) => (log = (log + text).slice(-10_000)));
  child.stdout.on("data", (text) => (stdout += text));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`Flower ended with ${code}:\n${log}`);
  const { accuracy, ms, versions } = JSON.parse(stdout.trim().split("\n").at(-1));
  return { ms, facts: { accuracy }, versions };
}

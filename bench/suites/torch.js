// The same PyTorch clients in a plain loop, in Flower, in pfl and in fedclair: whole commands, with
// the start of Python. Every process has one thread; Flower and fedclair have one client process
// per core.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runMeasured } from "../harness/process-tree.js";
import { installFlower, installPython } from "../harness/python.js";
import { readTimings } from "../harness/fedclair.js";
import { lrMnist } from "../lr-mnist/data.js";
import { clients, fashionMnist } from "../torch/data.js";

export const title = "PyTorch clients, whole commands (Flower's simulation with --flower)";

const peers = fileURLToPath(new URL("../peers/torch", import.meta.url));
const main = fileURLToPath(new URL("../../apps/cli/bin/fedclair.js", import.meta.url));
const out = fileURLToPath(new URL("../../runs/bench/torch", import.meta.url));

/** A tenth of the clients sends the opposite of its update, or noise. */
const attacks = [
  { attack: { name: "sign-flip" }, count: 50 },
  { attack: { name: "gaussian-update" }, count: 50 },
];
const clair = { name: "clair", models: "global", rank: 4 };

export async function* items({ flower }) {
  const own = await installFlower();
  const pfl = await installPython("requirements-pfl.txt");
  const lr = { model: "lr", folder: (await lrMnist()).folder, cohort: 10 };
  const cnn = { model: "cnn", folder: await fashionMnist(), cohort: 50 };
  const federations = [
    { ...lr, name: "LR-MNIST, 10 of 1,000 clients", rounds: 100, passes: 2 },
    { ...cnn, name: "CNN on Fashion-MNIST, 50 of 1,000 clients", rounds: 20, passes: 1 },
    { ...lr, name: "LR-MNIST, 10 of 1,000 clients", rounds: 1000, passes: 1 },
  ];
  for (const work of federations) {
    const python = (program, file) => ({ run: () => runPython(program, file, work) });
    const fedclair = (clientClass, changes) => {
      const code = { python: { clients: `own_clients:${clientClass}`, folder: peers } };
      return { run: () => runFedclair(own, work, { ...code, ...changes }) };
    };
    const app = { app: "flower_app:app", initial: "flower_app:initial", folder: peers };
    yield {
      name: `${work.name}, ${work.rounds} rounds`,
      cores: availableParallelism(),
      passes: work.passes,
      sides: {
        fedclair: fedclair("Same"),
        loop: python(own, "plain_loop.py"),
        "fedclair, attacks and CLAIR": fedclair("Same", { aggregator: clair, attacks }),
        "fedclair, one host": fedclair("Same", { hosts: 1 }),
        "fedclair, TorchClient": fedclair("alone"),
        ...(work.model === "lr" && { "fedclair, cohorts": fedclair("together") }),
        "fedclair, Flower app": { run: () => runFedclair(own, work, { flower: app }) },
        pfl: python(pfl, "pfl_run.py"),
        ...(flower && { Flower: { ...python(own, "flower_app.py"), once: true } }),
      },
    };
  }
}

function environment({ model, folder }) {
  return {
    FEDERATION_FOLDER: folder,
    FEDERATION_MODEL: model,
    OMP_NUM_THREADS: "1",
    PYTHONPATH: peers,
    RAY_DEDUP_LOGS: "0",
    FLWR_TELEMETRY_ENABLED: "0",
  };
}

async function runPython(program, file, work) {
  const args = [join(peers, file), String(work.rounds), String(work.cohort)];
  const { stdout, ...measured } = await runMeasured(program, args, { env: environment(work) });
  return toResult(measured, JSON.parse(stdout.trim().split("\n").at(-1)));
}

async function runFedclair(program, work, { hosts = availableParallelism(), ...changes }) {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const trial = {
    name: "torch",
    rounds: work.rounds,
    clients,
    cohort: { count: work.cohort },
    task: { name: "external", modules: "from-first-host" },
    aggregator: { name: "fedavg" },
    evaluate: "never",
    ...changes,
  };
  const file = join(out, "trial.yaml");
  await writeFile(file, JSON.stringify(trial));
  const run = join(out, "run");
  const args = [main, "run", file, "--out", run, "--no-report", "--json"];
  const options = ["--python", program, "--hosts", String(hosts)];
  const measured = await runMeasured(process.execPath, [...args, ...options], {
    env: environment(work),
  });
  const { update, measures } = await readRun(run, work);
  const params = join(run, "params.safetensors");
  const { stdout } = await runMeasured(program, [join(peers, "accuracy.py"), params], {
    env: environment(work),
  });
  return toResult(measured, { ...JSON.parse(stdout), update, ...measures });
}

async function readRun(run, { cohort }) {
  const timings = (await readTimings(run)).slice(1); // the first round imports parts of PyTorch
  const seconds = timings
    .map(({ seconds: { train, aggregate }, writeSeconds }) => train + aggregate + writeSeconds)
    .reduce((sum, one) => sum + one, 0);
  const { measures } = JSON.parse(await readFile(join(run, "summary.json"), "utf8"));
  const recall = measures?.["detection.recall"];
  return {
    update: (1000 * seconds) / timings.length / cohort,
    measures: typeof recall === "number" ? { recall } : {},
  };
}

/** Facts: CPU seconds, peak memory in MB, accuracy, and ms per update after the first round. */
function toResult({ ms, cpuSeconds, megabytes }, { accuracy, update, ...more }) {
  return {
    ms,
    facts: { cpu: cpuSeconds, MB: megabytes, accuracy, ...(update && { update }), ...more },
  };
}

// npm run lab -- backends: CPU time of trials on TensorFlow's library and on WebAssembly, three runs each in turn, the table of docs/backends.md.
// What both spend alike, to start and to aggregate, is in it: it is the whole command that a person waits for. Needs npm run tfjs-node.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const runs = 3;
const backends = ["tensorflow", "wasm"];
const once = ["rounds=1", "baselines=[]"];
const batch = (size) => [
  ...[...once, "task.localSteps=60", "task.evaluationSequences=1"],
  ...[`task.batchSize=${size}`, `task.sequences=${size}`],
];
/** What is measured, the trial under `trials`, and its changes. */
const cases = [
  ["text-copy, as shipped", "text-copy/synthetic", []],
  ["text-copy, training, batches of 4", "text-copy/synthetic", batch(4)],
  ["text-copy, training, batches of 32", "text-copy/synthetic", batch(32)],
  ["text-copy, training, batches of 256", "text-copy/synthetic", batch(256)],
  ["text-copy, training, batches of 512", "text-copy/synthetic", batch(512)],
  [
    "text-copy, evaluation, 2048 sequences",
    "text-copy/synthetic",
    [...once, "task.localSteps=1", "task.evaluationSequences=2048"],
  ],
];

const folder = await mkdtemp(join(tmpdir(), "fedclair-backends-"));
const root = resolve(import.meta.dirname, "..");
console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}\n`);
console.log("| trial | TensorFlow | WebAssembly | ratio |\n| --- | ---: | ---: | ---: |");
try {
  for (const [name, trial, set] of cases) {
    const seconds = { tensorflow: [], wasm: [] };
    for (let i = 0; i < runs; i++) {
      for (const backend of backends) seconds[backend].push(await measured(trial, set, backend));
    }
    const [tensorflow, wasm] = backends.map((one) => seconds[one].sort((a, b) => a - b)[1]);
    const cells = [`${tensorflow.toFixed(1)} s`, `${wasm.toFixed(1)} s`];
    console.log(`| ${[name, ...cells, (tensorflow / wasm).toFixed(2)].join(" | ")} |`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** CPU seconds of a run in one process. */
async function measured(trial, set, backend) {
  const fedclair = join(root, "apps/cli/bin/fedclair.js");
  const how = ["--transport", "memory", "--no-report", "--backend", backend];
  const args = [
    ...["run", join(root, "trials", `${trial}.yaml`), ...how, "--out", join(folder, "run")],
    ...set.flatMap((one) => ["--set", one]),
  ];
  const tell =
    'process.on("exit", () => { const { user, system } = process.cpuUsage(); console.error("cpu", user + system); })';
  const hook = `data:text/javascript,${encodeURIComponent(tell)}`;
  const { stderr } = await promisify(execFile)(process.execPath, [
    ...["--import", hook, fedclair],
    ...args,
  ]);
  await rm(join(folder, "run"), { recursive: true });
  return Number(/^cpu (\d+)$/m.exec(stderr)?.[1]) / 1e6;
}

// npm run lab -- backends: measures the CPU time of trials on TensorFlow's library and on
// WebAssembly, three runs each, alternating, and prints the table of docs/backends.md. The time is
// that of the whole command, with the start and the aggregation that both backends share, because
// that is what a user waits for. Needs npm run tfjs-node.
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
/** Row title, trial file under `trials`, and the options that are set. */
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
const root = resolve(import.meta.dirname, "../..");
console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.version}\n`);
console.log("| trial | TensorFlow | WebAssembly | ratio |\n| --- | ---: | ---: | ---: |");
try {
  for (const [name, trial, set] of cases) {
    const seconds = { tensorflow: [], wasm: [] };
    for (let i = 0; i < runs; i++) {
      for (const backend of backends)
        seconds[backend].push(await measureCpuSeconds(trial, set, backend));
    }
    const [tensorflow, wasm] = backends.map((one) => seconds[one].sort((a, b) => a - b)[1]);
    const cells = [`${tensorflow.toFixed(1)} s`, `${wasm.toFixed(1)} s`];
    console.log(`| ${[name, ...cells, (tensorflow / wasm).toFixed(2)].join(" | ")} |`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Measures the CPU seconds of a run in one process. */
async function measureCpuSeconds(trial, set, backend) {
  const fedclair = join(root, "apps/cli/bin/fedclair.js");
  const how = ["--transport", "memory", "--no-report", "--backend", backend];
  const args = [
    ...["run", join(root, "trials", `${trial}.yaml`), ...how, "--out", join(folder, "run")],
    ...set.flatMap((one) => ["--set", one]),
  ];
  const reportCpu =
    'process.on("exit", () => { const { user, system } = process.cpuUsage(); console.error("cpu", user + system); })';
  const hook = `data:text/javascript,${encodeURIComponent(reportCpu)}`;
  const { stderr } = await promisify(execFile)(process.execPath, [
    ...["--import", hook, fedclair],
    ...args,
  ]);
  await rm(join(folder, "run"), { recursive: true });
  return Number(/^cpu (\d+)$/m.exec(stderr)?.[1]) / 1e6;
}

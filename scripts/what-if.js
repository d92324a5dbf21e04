// npm run lab -- what-if [--forgeries N] [--seed N]: tries on three trials what docs/runs.md
// promises: a replay without a client against a fresh run in which the client was absent, a replay
// without the flagged clients, and verify on the run as it is and after one number of one record
// was forged, N times.
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { stream } from "@fedclair/linalg";
import { forgeRecord } from "../e2e/dist/src/support/forge-record.js";
import { parseArguments } from "./arguments.js";

const root = join(import.meta.dirname, "..");
const trials = [
  { name: "denoising/collude-002", set: ["rounds=3", "aggregator.rule=evidence"], without: "c03" },
  { name: "digits/dirichlet-label-flip", set: ["rounds=2", "baselines=[]"], without: "c01" },
  { name: "text-copy/synthetic", set: ["rounds=3", "baselines=[]"], without: "c02" },
];
const results = ["records.jsonl", "params.safetensors", "summary.json"];

const { values } = parseArguments({
  options: {
    forgeries: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
  },
});
const forgeries = Number(values.forgeries);
const rng = stream(Number(values.seed)).at("what-if");
const folder = await mkdtemp(join(tmpdir(), "fedclair-what-if-"));
let isAsPromised = true;

/** Runs fedclair and returns its exit code and what it prints. */
async function fedclair(...args) {
  const child = spawn(process.execPath, [join(root, "apps/cli/bin/fedclair.js"), ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const pipe of [child.stdout, child.stderr])
    pipe.setEncoding("utf8").on("data", (text) => (output += text));
  const [code] = await once(child, "close");
  return { code, output };
}

async function mustRun(...args) {
  const { code, output } = await fedclair(...args);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${output}`);
  return output;
}

function report(what, isKept, text) {
  isAsPromised &&= isKept;
  console.log(`  ${what.padEnd(10)} ${isKept ? "" : "NO: "}${text}`);
}

async function areEqual(a, b) {
  for (const file of results) {
    const [one, other] = await Promise.all([a, b].map((run) => readFile(join(run, file))));
    if (!one.equals(other)) return false;
  }
  return true;
}

/** Changes one digit after a decimal point, at a random place of a record. */
function changeDigit(record) {
  const places = [...record.matchAll(/\.\d*?(\d)(?=[,}\]])/g)];
  const { 0: text, 1: digit, index } = places[rng.int(places.length)];
  const at = index + text.length - 1;
  return record.slice(0, at) + ((Number(digit) + 1) % 10) + record.slice(at + 1);
}

const how = ["--transport", "memory", "--no-report"];
for (const { name, set, without } of trials) {
  console.log(name);
  const run = join(folder, name.replace("/", "-"));
  const settings = set.flatMap((one) => ["--set", one]);
  const file = join(root, `trials/${name}.yaml`);
  await mustRun("run", file, ...settings, ...how, "--keep-checkpoints", "100", "--out", run);

  await mustRun("replay", run, "--without", without, "--from", "2", ...how);
  const absent = ["--set", `absent=[{clients: [${without}], from: 2}]`];
  await mustRun("run", file, ...settings, ...absent, ...how, "--out", `${run}-absent`);
  const replayed = `${run}-without-${without}-from-2`;
  report(
    "replay",
    await areEqual(replayed, `${run}-absent`),
    `without ${without} from round 2: the bytes of a fresh run in which it was absent`,
  );

  const flagged = await fedclair("replay", run, "--without", "flagged", ...how);
  const [said] = /^flagged: .*$/m.exec(flagged.output) ?? [];
  report("flagged", flagged.code === 0, said ?? flagged.output);

  const whole = await fedclair("verify", run, "--rounds", "100%");
  const [last = ""] = /^\d+ of .* identical.*$/m.exec(whole.output) ?? [whole.output];
  report("verify", whole.code === 0, last);
  const rounds = (await readFile(join(run, "records.jsonl"), "utf8")).trimEnd().split("\n").length;
  let found = 0;
  for (let i = 0; i < forgeries; i++) {
    const forged = `${run}-forged`;
    await cp(run, forged, { recursive: true });
    const number = 1 + rng.int(rounds);
    await forgeRecord(forged, number, changeDigit);
    const { code, output } = await fedclair("verify", forged, "--rounds", "100%");
    if (code === 4 && output.includes(`records.jsonl:${number}:`)) found++;
    await rm(forged, { recursive: true });
  }
  report("forged", found === forgeries, `${found} of ${forgeries} forged records found and named`);
}
await rm(folder, { recursive: true });
process.exit(isAsPromised ? 0 : 1);

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setArguments, workspace } from "./trials.js";

/**
 * Runs a trial by `fedclair run` and fingerprints its run folder.
 * @param hosts number of client hosts over sockets; undefined: everything runs in one process
 * @param folder holds the data and, until it is deleted, the run folder
 */
export async function fingerprintTrial({ name, file, set }, { program, hosts, folder }) {
  const out = join(folder, name.replaceAll(/[^\w.]/g, "-"));
  const how = hosts === undefined ? ["--transport", "memory"] : ["--hosts", hosts];
  const args = ["run", file, ...setArguments(set, join(folder, "data"))];
  const fixed = [...how, "--backend", "wasm", "--no-report", "--out", out];
  const { code, stderr } = await runProgram(program, [...args, ...fixed]);
  const fingerprint = await fingerprintRun(out);
  await rm(out, { recursive: true, force: true });
  const lines = stderr.split("\n").filter((line) => line.trim() !== "" && !/^\s+at /.test(line));
  const error = lines.at(-1)?.replaceAll(folder, "FOLDER");
  const settings = setArguments(set, "DATA").filter((word) => word !== "--set");
  return { settings: settings.join(" "), exit: code, ...(code !== 0 && { error }), ...fingerprint };
}

function runProgram(program, args) {
  // If FORCE_COLOR is set as well as NO_COLOR, Node itself writes a warning to stderr.
  const { FEDCLAIR_LOG: _log, FEDCLAIR_TOKEN: _token, FORCE_COLOR: _color, ...env } = process.env;
  const child = spawn(process.execPath, [program, ...args], {
    cwd: workspace,
    env: { ...env, NO_COLOR: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, stderr }));
  });
}

/**
 * Fingerprints a run folder, which may be incomplete: arms in order with their rounds, tensors and
 * measures.
 */
export async function fingerprintRun(folder) {
  const records = await readLines(join(folder, "records.jsonl"));
  // Older versions called artifacts exhibits.
  const artifacts = [
    ...(await readLines(join(folder, "artifacts.jsonl"))),
    ...(await readLines(join(folder, "exhibits.jsonl"))),
  ];
  const arms = [...new Set(records.map(({ arm }) => arm))].map((label) => ({
    label,
    rounds: records
      .filter(({ arm }) => arm === label)
      .map((record) => {
        const own = artifacts.filter(({ arm, round }) => arm === label && round === record.round);
        return fingerprintRound(record, own);
      }),
  }));
  const params = hashTensors(await readBytes(join(folder, "params.safetensors")));
  const summary = await readBytes(join(folder, "summary.json"));
  return { arms, params, measures: summary && JSON.parse(summary.toString()).measures };
}

/** One letter for each status; other statuses are written out. */
const letters = { contaminated: "c", inactive: "i", invalid: "x", undecided: "u" };

/** Numbers of the round as they are; numbers of clients as hashes over the cohort, in its order. */
function fingerprintRound({ round, phase, clients, metrics, bytes }, artifacts) {
  const over = (valueOf) => hash(toCanonicalJson(clients.map((client) => valueOf(client) ?? null)));
  const byName = (metricsOf) => {
    const names = new Set(clients.flatMap((client) => Object.keys(metricsOf(client) ?? {})));
    return Object.fromEntries(
      [...names].sort().map((name) => [name, over((client) => metricsOf(client)?.[name])]),
    );
  };
  return {
    round,
    phase,
    cohort: over(({ clientId, attack }) => [clientId, attack]),
    verdicts: clients.map(verdictLetter).join(""),
    score: over(({ score }) => score),
    threshold: over(({ threshold }) => threshold),
    numExamples: over(({ numExamples }) => numExamples),
    train: byName(({ train }) => train),
    evaluation: byName(({ evaluation }) => evaluation),
    failures: clients.flatMap(listFailures).join(", "),
    metrics,
    bytes,
    artifacts: Object.fromEntries(
      artifacts.map(({ name, value }) => [name, hash(toCanonicalJson(value))]),
    ),
  };
}

/** `B` for a benign client without a threshold, which later versions report as undecided. */
function verdictLetter({ verdict, threshold }) {
  if (verdict === undefined) return "-";
  if (verdict === "benign") return threshold === null ? "B" : "b";
  return letters[verdict] ?? `<${verdict}>`;
}

function listFailures({ clientId, failure, evaluationFailure }) {
  return [
    ...(failure ? [`${clientId} ${failure.code}`] : []),
    ...(evaluationFailure ? [`${clientId} evaluation ${evaluationFailure.code}`] : []),
  ];
}

/** The tensors of a safetensors file by name: type, shape and a hash of the bytes. */
function hashTensors(bytes) {
  if (!bytes) return undefined;
  const end = 8 + Number(bytes.readBigUInt64LE());
  const { __metadata__, ...entries } = JSON.parse(bytes.subarray(8, end).toString());
  return Object.fromEntries(
    Object.entries(entries).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        return [name, `${dtype}[${shape}] ${hash(bytes.subarray(end + from, end + to))}`];
      },
    ),
  );
}

/** @returns undefined if the file does not exist */
async function readBytes(file) {
  return await readFile(file).catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

async function readLines(file) {
  const text = (await readBytes(file))?.toString() ?? "";
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** JSON with the keys of every object sorted. */
function toCanonicalJson(value) {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The first 64 bits of SHA-256, which are enough to tell two numbers apart. */
function hash(data) {
  return createHash("sha256").update(data).digest("hex").slice(0, 16);
}

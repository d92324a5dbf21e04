import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setArguments, workspace } from "./trials.js";

/**
 * Runs a trial by `fedclair run`, and reads what it leaves.
 * @param hosts client hosts over sockets; undefined: none, everything in one process
 * @param folder for data and for what the run leaves, which is deleted
 */
export async function fingerprintOf({ name, file, set }, { program, hosts, folder }) {
  const out = join(folder, name.replaceAll(/[^\w.]/g, "-"));
  const how = hosts === undefined ? ["--transport", "memory"] : ["--hosts", hosts];
  const args = ["run", file, ...setArguments(set, join(folder, "data"))];
  const fixed = [...how, "--backend", "wasm", "--no-report", "--out", out];
  const { code, stderr } = await ended(program, [...args, ...fixed]);
  const fingerprint = await fingerprintOfRun(out);
  await rm(out, { recursive: true, force: true });
  const said = stderr.split("\n").filter((line) => line.trim() !== "" && !/^\s+at /.test(line));
  const error = said.at(-1)?.replaceAll(folder, "FOLDER");
  const settings = setArguments(set, "DATA").filter((word) => word !== "--set");
  return { settings: settings.join(" "), exit: code, ...(code !== 0 && { error }), ...fingerprint };
}

function ended(program, args) {
  // With FORCE_COLOR beside NO_COLOR, Node itself writes a warning to stderr.
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

/** Of a run folder, also of one that is not whole: arms in order, each with its rounds; tensors; measures. */
export async function fingerprintOfRun(folder) {
  const records = await linesOf(join(folder, "records.jsonl"));
  // Called exhibits before they were called artifacts.
  const artifacts = [
    ...(await linesOf(join(folder, "artifacts.jsonl"))),
    ...(await linesOf(join(folder, "exhibits.jsonl"))),
  ];
  const arms = [...new Set(records.map(({ arm }) => arm))].map((label) => ({
    label,
    rounds: records
      .filter(({ arm }) => arm === label)
      .map((record) => {
        const own = artifacts.filter(({ arm, round }) => arm === label && round === record.round);
        return fingerprintOfRound(record, own);
      }),
  }));
  const params = tensorsOf(await bytesOf(join(folder, "params.safetensors")));
  const summary = await bytesOf(join(folder, "summary.json"));
  return { arms, params, measures: summary && JSON.parse(summary.toString()).measures };
}

/** One letter a client; a status that is not listed stands as it is. */
const letters = { contaminated: "c", inactive: "i", invalid: "x", undecided: "u" };

/** Numbers of the round as they are, of the clients as hashes over all of them, in the cohort's order. */
function fingerprintOfRound({ round, phase, clients, metrics, bytes }, artifacts) {
  const over = (valueOf) => hash(canonical(clients.map((client) => valueOf(client) ?? null)));
  const byName = (metricsOf) => {
    const names = new Set(clients.flatMap((client) => Object.keys(metricsOf(client) ?? {})));
    return Object.fromEntries(
      [...names].sort().map((name) => [name, over((client) => metricsOf(client)?.[name])]),
    );
  };
  return {
    ...{ round, phase },
    cohort: over(({ clientId, attack }) => [clientId, attack]),
    verdicts: clients.map(verdictLetter).join(""),
    score: over(({ score }) => score),
    threshold: over(({ threshold }) => threshold),
    numExamples: over(({ numExamples }) => numExamples),
    train: byName(({ train }) => train),
    evaluation: byName(({ evaluation }) => evaluation),
    failures: clients.flatMap(failuresOf).join(", "),
    ...{ metrics, bytes },
    artifacts: Object.fromEntries(
      artifacts.map(({ name, value }) => [name, hash(canonical(value))]),
    ),
  };
}

/** `B` for a client that passed for benign though no threshold was found: what later versions call undecided. */
function verdictLetter({ verdict, threshold }) {
  if (verdict === undefined) return "-";
  if (verdict === "benign") return threshold === null ? "B" : "b";
  return letters[verdict] ?? `<${verdict}>`;
}

function failuresOf({ clientId, failure, evaluationFailure }) {
  return [
    ...(failure ? [`${clientId} ${failure.code}`] : []),
    ...(evaluationFailure ? [`${clientId} evaluation ${evaluationFailure.code}`] : []),
  ];
}

/** Of a safetensors file, by name: type, shape and a hash of the bytes. */
function tensorsOf(bytes) {
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

/** @returns undefined where there is no such file */
async function bytesOf(file) {
  return await readFile(file).catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

async function linesOf(file) {
  const text = (await bytesOf(file))?.toString() ?? "";
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** JSON with the keys of every object sorted. */
function canonical(value) {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The first 64 bits of SHA-256: enough to tell two numbers apart. */
function hash(data) {
  return createHash("sha256").update(data).digest("hex").slice(0, 16);
}

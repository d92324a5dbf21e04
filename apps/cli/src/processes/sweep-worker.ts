// A process that receives tasks with ids of a sweep's trials and runs them one at a time. Its
// argument is a `SweepPlace` as JSON.
import { basename, dirname } from "node:path";
import { loadBackend } from "@fedclair/compute";
import { backendChoices } from "@fedclair/compute/choices";
import { UserError } from "@fedclair/core";
import { readPythonClients } from "@fedclair/core/internal";
import { loadPlugins, matchModules, namedModules } from "@fedclair/plugins";
import {
  assignFolders,
  chooseTrialBackend,
  interruption,
  listenForInterruption,
  parseSweep,
  readTrial,
  readTrialFile,
  runSweepTrial,
  toUserError,
  type SweepTrial,
} from "@fedclair/runs";
import { placesWith } from "./open-place.js";
import type { SweepPlace, WorkerReply, WorkerTask } from "./sweep-workers.js";

listenForInterruption();
const place = JSON.parse(process.argv[2] ?? "") as SweepPlace;
const open = placesWith(place);
const loading = load(place);
loading.catch(() => undefined); // reported in the reply to the first trial

process.on("message", (task: WorkerTask) => {
  void replyTo(task).then((reply) => process.send?.(reply, () => undefined));
});
process.channel?.ref(); // keeps the process alive to receive messages
interruption.signal.addEventListener("abort", () => process.channel?.unref());

async function replyTo(task: WorkerTask): Promise<WorkerReply> {
  try {
    return await work(task);
  } catch (error) {
    if (interruption.signal.aborted) process.exit(); // nobody waits for a reply
    if (error instanceof UserError) return { refused: error.message };
    throw error;
  }
}

async function work({ id, folder }: WorkerTask): Promise<WorkerReply> {
  const { file, trials, backend } = await loading;
  const found = trials.get(id);
  if (!found) {
    throw new UserError(
      `${file}: no trial of it has the hash ${id} here: expected the same file, plug-ins, folders and release of fedclair as where the sweep was started`,
    );
  }
  const trial = folder === undefined ? found : { ...found, folder: basename(folder) };
  const out = folder === undefined ? place.out : dirname(folder);
  const done = await runSweepTrial(trial, out, interruption.signal, backend, open);
  if (done === "busy") return done;
  const { outcome, skipped, faults } = done;
  return {
    outcome,
    skipped,
    faults: faults.map(({ message, exitCode }) => ({ message, exitCode })),
  };
}

async function load({ file, out, set, queued, backend, python }: SweepPlace) {
  const source =
    queued && typeof file === "string"
      ? readTrialFile(file, set, queued.copy)
      : readTrial(file, set);
  const modules = queued
    ? await matchModules(source, queued.modules, queued.allowed)
    : namedModules(source);
  const plugins = await loadPlugins(modules, source.yaml.content);
  const { trials } = assignFolders(out, parseSweep(source, plugins));
  if (queued && python === undefined && trials.some(({ trial }) => readPythonClients(trial))) {
    throw new UserError(
      `${source.file}: its Python code runs only where the worker's operator allows it: start the worker with --python INTERPRETER`,
    );
  }
  const choice = backendChoices.find((one) => one === (backend ?? "auto"));
  if (!choice)
    throw new UserError(
      `the sweep computes with the backend ${backend}: expected one of ${backendChoices.join(", ")}`,
    );
  const { name, why } = chooseTrialBackend(trials, choice);
  await loadBackend().catch(toUserError);
  const byId = new Map(trials.map((trial): [string, SweepTrial] => [trial.id, trial]));
  return {
    file: source.file,
    trials: byId,
    backend: { name, why: backend === undefined ? why : "set by the sweep" },
  };
}

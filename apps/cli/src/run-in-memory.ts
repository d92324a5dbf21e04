import { UserError } from "@fedclair/core";
import { ClientRunner, MemoryPool } from "@fedclair/core/internal";
import { pluginsFor } from "@fedclair/plugins";
import { runAndReport, showIfDone } from "@fedclair/report";
import {
  chooseTrialBackend,
  createLog,
  chooseRunFolder,
  loadForOutside,
  batchErrorLogger,
  clientErrorLogger,
  readTrialFile,
  refuseElsewhere,
} from "@fedclair/runs";
import type { RunOptions } from "./run-options.js";

/** `fedclair run --transport memory`: runs everything in this process. */
export async function runInMemory(file: string, options: RunOptions): Promise<void> {
  const plugins = await pluginsFor(file, options.set);
  const trial = await readTrialFile(file, plugins, options.set);
  const out = await chooseRunFolder(trial, options);
  const { json, report, backend, metrics, resume: resumes = false } = options;
  if (metrics !== undefined)
    throw new UserError("--metrics: a coordinator serves them, and --transport memory has none");
  process.exitCode = await showIfDone(out, { trial, plugins, backend, resumes }, { json, report });
  if (process.exitCode !== undefined) return;
  refuseElsewhere(file, trial, plugins, resumes ? out : undefined);
  const chosen = chooseTrialBackend([trial], plugins, backend);
  // By default as quiet as with sockets, where the coordinator logs the backend.
  const log = createLog("client", () => ({ trial: trial.name }), "warn");
  log.info(`backend ${chosen.name}: ${chosen.why}`);
  await loadForOutside(trial, plugins);
  process.exitCode = await runAndReport({
    ...{ trial, plugins, out, json, report, resumes },
    pool: new MemoryPool(
      new ClientRunner(trial, plugins, clientErrorLogger(log), batchErrorLogger(log)),
    ),
    checkpoints: { every: options.checkpointEvery, keep: options.keepCheckpoints },
    ...{ backend: () => chosen.name, chosen },
  });
}

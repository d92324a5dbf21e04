import { UserError } from "@fedclair/core";
import { readPythonClients } from "@fedclair/core/internal";
import { loadNamedPlugins } from "@fedclair/plugins";
import { runAndReport, showIfDone } from "@fedclair/view/run";
import {
  chooseTrialBackend,
  clientEventLogger,
  createLog,
  chooseRunFolder,
  prepareTrial,
  rejectExternalClients,
} from "@fedclair/runs";
import { inPlace, openPlace } from "../processes/open-place.js";
import type { RunOptions } from "./run-options.js";

/**
 * `fedclair run --transport memory`: runs everything in this process.
 * @param onFolder receives the run folder as soon as it is chosen
 */
export async function runInMemory(
  file: string,
  options: RunOptions,
  onFolder: (folder: string) => void,
): Promise<void> {
  const prepared = await prepareTrial(file, options.set, loadNamedPlugins);
  const { trial } = prepared;
  const out = await chooseRunFolder(trial, options);
  onFolder(out);
  const { json, report, backend, metrics, resume: resumes = false } = options;
  if (metrics !== undefined)
    throw new UserError("--metrics: a coordinator serves them, and --transport memory has none");
  process.exitCode = await showIfDone(out, { prepared, backend, resumes }, { json, report });
  if (process.exitCode !== undefined) return;
  if (readPythonClients(trial)) {
    throw new UserError(
      `--transport memory: the clients of '${file}' run in Python, in processes of their own: leave --transport out`,
    );
  }
  rejectExternalClients(file, prepared, resumes ? out : undefined);
  const chosen = chooseTrialBackend([prepared], backend);
  // By default as quiet as with sockets, where the coordinator logs the backend.
  const log = createLog("client", () => ({ trial: trial.name }), "warn");
  log.info(`backend ${chosen.name}: ${chosen.why}`);
  const place = openPlace(prepared, chosen.name, clientEventLogger(log));
  process.exitCode = await inPlace(place, ({ pool, server }) =>
    runAndReport({
      prepared,
      out,
      json,
      report,
      resumes,
      pool,
      server,
      checkpoints: { every: options.checkpointEvery, keep: options.keepCheckpoints },
      backend: () => chosen.name,
      chosen,
    }),
  );
}

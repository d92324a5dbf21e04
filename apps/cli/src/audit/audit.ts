import {
  compareAdapters,
  createMeasuringWriter,
  createVersionWriter,
  findAdapters,
  formatAudit,
  formatFound,
  formatJson,
  listRefinedFolders,
  parseEvaluate,
  parseOptions,
  rejectExisting,
  unmeasuredNames,
  writeAuditPage,
  type Audit,
  type Comparison,
  type RefineRequest,
} from "@fedclair/audit";
import { UserError, type VerdictStatus } from "@fedclair/core";
import { exitCodes, oneLine } from "@fedclair/core/internal";
import { countNoun, interruption, print, whenAborted } from "@fedclair/runs";
import { parseRequired, readBank } from "./bank-options.js";

export interface AuditOptions {
  /** Options of CLAIR as `option=value`. */
  readonly set: readonly string[];
  /** Folder for refined adapters. */
  readonly refine?: string;
  /** Command that prints the loss of the adapter `{adapter}`. */
  readonly evaluate?: string;
  /** How long that command may take for one adapter, in seconds. */
  readonly evaluateTimeout: number;
  /** Number of commands that run at a time. */
  readonly evaluateJobs: number;
  /** File for the report. */
  readonly html?: string;
  /** File with the thresholds; default: the bank that is shipped. */
  readonly bank?: string;
  /** Kinds of attackers that an adapter must be cleared of to be called benign. */
  readonly require?: string;
  readonly json: boolean;
  /** The exit code is 4 if an adapter has one of these statuses. */
  readonly failOn: readonly VerdictStatus[];
}

/**
 * `fedclair audit`: reports which of a set of LoRA adapters are contaminated. CLAIR compares only
 * the adapters; there is no training and no coordinator.
 */
export async function audit(paths: readonly string[], options: AuditOptions): Promise<void> {
  const clairOptions = parseOptions(options.set);
  const { by } = clairOptions.rule;
  for (const option of ["bank", "require"] as const) {
    if (by === "evidence" || options[option] === undefined) continue;
    throw new UserError(
      `--${option}: only rule evidence acts on it, and --set has rule ${by}; leave one of the two out`,
    );
  }
  const [bank, required] = [readBank(options.bank), parseRequired(options.require)];
  const command = options.evaluate === undefined ? undefined : parseEvaluate(options.evaluate);
  if (command !== undefined && options.refine === undefined) {
    throw new UserError(
      "--evaluate: expected --refine FOLDER as well, where the best adapters are written",
    );
  }
  const { adapters, skipped, checkpoints, ...found } = await findAdapters(paths);
  const { refine, html } = options;
  if (refine !== undefined) {
    const versions = command === undefined ? unmeasuredNames : [];
    await rejectExisting("--refine", listRefinedFolders(refine, adapters, versions));
  }
  if (html !== undefined) await rejectExisting("--html", [html]);
  for (const line of formatFound(found)) process.stderr.write(`${line}\n`);
  process.stderr.write(`comparing ${countNoun(adapters.length, "adapter")} …\n`);
  const compare = (request?: RefineRequest) =>
    Promise.race([
      compareAdapters({
        adapters,
        options: clairOptions,
        bank,
        required,
        ...(request && { refine: request }),
        onProgress: (done, modules) => {
          showProgress(done, modules, "modules read");
        },
      }),
      whenAborted(interruption.signal),
    ]);
  const compareAndRefine = async (): Promise<Comparison & Pick<Audit, "refined">> => {
    if (refine === undefined) return compare();
    const writer =
      command === undefined
        ? createVersionWriter(refine, adapters)
        : await createMeasuringWriter(refine, adapters, {
            command,
            timeoutSeconds: options.evaluateTimeout,
            jobs: options.evaluateJobs,
            signal: interruption.signal,
            onProgress: (done, all) => {
              if (done === 0) process.stderr.write(`measuring ${countNoun(all, "candidate")} …\n`);
              showProgress(done, all, "candidates measured");
            },
          });
    try {
      const comparison = await compare(writer.request);
      return { ...comparison, refined: await writer.finish() };
    } finally {
      await writer.close();
    }
  };
  const report: Audit = { ...(await compareAndRefine()), skipped, checkpoints };
  print(options.json ? formatJson(report, clairOptions) : formatAudit(report, clairOptions));
  if (html !== undefined) {
    await writeAuditPage(html, { audit: report, options: clairOptions, paths });
    if (!options.json) print(`report: ${oneLine(html)}\n`);
  }
  const failing = report.adapters.filter(({ status }) => options.failOn.includes(status));
  if (failing.length > 0) {
    const names = failing.map(({ name, status }) => `${oneLine(name)} is ${status}`);
    throw new UserError(`--fail-on: ${names.join(", ")}`, exitCodes.unexpected);
  }
  if (report.adapters.every(({ status }) => status === "invalid")) {
    throw new UserError("no adapter can be compared: all are invalid");
  }
}

/** Shows progress on one line of a terminal, which is overwritten and finally cleared. */
function showProgress(done: number, all: number, what: string): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\x1b[K${done < all ? `${done} of ${all} ${what}` : ""}`);
}

import { appendFile, writeFile } from "node:fs/promises";
import {
  auditAdapters,
  collectAdapters,
  formatAudit,
  formatJson,
  formatSarif,
  formatSummary,
  formatTooFew,
  isKnown,
  listFailures,
  parseEvaluate,
  parseClairOptions,
  readBaseline,
  rejectExisting,
  writeAuditPage,
  type FailCondition,
} from "@fedclair/audit";
import { UserError } from "@fedclair/core";
import { exitCodes, oneLine } from "@fedclair/core/internal";
import { interruption, linkFile, openTerminal, print } from "@fedclair/runs";
import { version } from "@fedclair/runs/program";
import { findInterpreter } from "../processes/find-interpreter.js";
import { parseRequired, readBank } from "./bank-options.js";

interface AuditArguments {
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
  /** Folder of a base model that shows what the adapters say. */
  readonly read?: string;
  /** How long that may take, in seconds. */
  readonly readTimeout: number;
  /** The interpreter that reads; default: as for Python hosts. */
  readonly python?: string;
  /** File for the report. */
  readonly html?: string;
  /** File with the thresholds; default: the bank that is shipped. */
  readonly bank?: string;
  /** Kinds of attackers that an adapter must be cleared of to be called benign. */
  readonly require?: string;
  /** Number of other adapters of the same base that are added from the hub. */
  readonly siblings: number;
  /** Where adapters with names come from; default: the Hugging Face Hub. */
  readonly hubUrl?: string;
  readonly json: boolean;
  /** File for the findings as SARIF. */
  readonly sarif?: string;
  /** File to which a summary in Markdown is appended. */
  readonly summary?: string;
  /** Output of an earlier audit, whose adapters are known. */
  readonly baseline?: string;
  /** The exit code is 4 if one of these holds for an adapter that is not known. */
  readonly failOn: readonly FailCondition[];
}

/**
 * `fedclair audit`: reports which of a set of LoRA adapters are contaminated. CLAIR compares only
 * the adapters; there is no training and no coordinator.
 */
export async function printAudit(paths: readonly string[], options: AuditArguments): Promise<void> {
  const clairOptions = parseClairOptions(options.set);
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
  const { refine, html, sarif, summary, hubUrl, siblings } = options;
  const baseline = options.baseline === undefined ? undefined : readBaseline(options.baseline);
  const { signal } = interruption;
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const found = await collectAdapters(paths, { hub: { url: hubUrl }, siblings, signal, log });
  if (html !== undefined) await rejectExisting("--html", [html]);
  if (sarif !== undefined) await rejectExisting("--sarif", [sarif]);
  const evaluate = command && {
    command,
    timeoutSeconds: options.evaluateTimeout,
    jobs: options.evaluateJobs,
  };
  const report = await auditAdapters(found, {
    clair: clairOptions,
    bank,
    required,
    ...(options.read !== undefined && {
      read: {
        base: options.read,
        python: findInterpreter(options.python),
        timeoutSeconds: options.readTimeout,
      },
    }),
    ...(refine !== undefined && { refine: { folder: refine, evaluate } }),
    signal,
    log,
    onProgress: showProgress,
  });
  print(
    options.json
      ? formatJson(report, clairOptions)
      : formatAudit(report, clairOptions, (one) => isKnown(one, baseline), await openTerminal()),
  );
  if (html !== undefined) {
    await writeAuditPage(html, { audit: report, options: clairOptions, paths, baseline });
    if (!options.json) print(`report: ${linkFile(oneLine(html))}\n`);
  }
  const tooFew = formatTooFew(report, clairOptions);
  const failures = listFailures(report, clairOptions, options.failOn, baseline);
  if (sarif !== undefined) {
    const text = formatSarif(report, clairOptions, { version, ...(baseline && { baseline }) });
    await writeFile(sarif, text, { flag: "wx" });
  }
  if (summary !== undefined) {
    const outcome = failures.length > 0 ? "failed" : tooFew === undefined ? "passed" : "too few";
    await appendFile(summary, formatSummary(report, clairOptions, outcome, baseline));
  }
  if (failures.length > 0) {
    throw new UserError(`--fail-on: ${failures.join(", ")}`, exitCodes.unexpected);
  }
  if (report.adapters.every(({ status }) => status === "invalid")) {
    throw new UserError("no adapter can be compared: all are invalid");
  }
  if (tooFew !== undefined) throw new UserError(tooFew, exitCodes.quorum);
}

/** Shows progress on one line of a terminal, which is overwritten and finally cleared. */
function showProgress(done: number, all: number, what: string): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\x1b[K${done < all ? `${done} of ${all} ${what}` : ""}`);
}

import { UserError, type VerdictStatus } from "@fedclair/core";
import { exitCodes, oneLine } from "@fedclair/core/internal";
import { countNoun, interruption, print } from "@fedclair/runs";
import type { Audit } from "./audit-schema.js";
import { formatAudit } from "./audit-text.js";
import { parseRequired, readBank } from "./bank-options.js";
import { compareAdapters } from "./compare-adapters.js";
import { parseOptions } from "./options.js";
import { findAdapters } from "../adapters/find-adapters.js";
import { formatFound } from "../adapters/found-text.js";
import { rejectExisting } from "../adapters/reject-existing.js";
import { whenAborted } from "../when-aborted.js";
import { listRefinedFolders, writeRefined } from "./write-refined.js";

export interface AuditOptions {
  /** Options of CLAIR as `option=value`. */
  readonly set: readonly string[];
  /** Folder for refined adapters. */
  readonly refine?: string;
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
  const [bank, required] = [await readBank(options.bank), parseRequired(options.require)];
  const { adapters, skipped, checkpoints, ...found } = await findAdapters(paths);
  const { refine, html } = options;
  if (refine !== undefined) await rejectExisting("--refine", listRefinedFolders(refine, adapters));
  if (html !== undefined) await rejectExisting("--html", [html]);
  for (const line of formatFound(found)) process.stderr.write(`${line}\n`);
  process.stderr.write(`comparing ${countNoun(adapters.length, "adapter")} …\n`);
  const onProgress = process.stderr.isTTY ? showProgress : undefined;
  const { comparison, refined } = await Promise.race([
    compareAdapters({
      adapters,
      options: clairOptions,
      bank,
      required,
      refine: refine !== undefined,
      ...(onProgress && { onProgress }),
    }),
    whenAborted(interruption.signal),
  ]);
  const report: Audit = {
    ...comparison,
    skipped,
    checkpoints,
    ...(refine !== undefined && { refined: await writeRefined(refine, adapters, refined) }),
  };
  print(options.json ? JSON.stringify(report) + "\n" : formatAudit(report, clairOptions));
  if (html !== undefined) {
    const { writeAuditPage } = await import("./page/write-audit-page.js");
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

/** Shows progress on one line, which is overwritten and finally cleared. */
function showProgress(done: number, modules: number): void {
  const text = done < modules ? `${done} of ${modules} modules read` : "";
  process.stderr.write(`\r\x1b[K${text}`);
}

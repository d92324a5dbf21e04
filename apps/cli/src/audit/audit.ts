import { UserError, type VerdictStatus } from "@fedclair/core";
import { exitCodes, oneLine } from "@fedclair/core/internal";
import { countNoun, interruption, print } from "@fedclair/runs";
import type { Audit } from "./audit-schema.js";
import { auditText } from "./audit-text.js";
import { compareAdapters } from "./compare-adapters.js";
import { parseOptions } from "./options.js";
import { findAdapters } from "../adapters/find-adapters.js";
import { refuseTaken } from "../adapters/refuse-taken.js";
import { whenAborted } from "../when-aborted.js";
import { refinedFolders, writeRefined } from "./write-refined.js";

export interface AuditOptions {
  /** `option=value` of CLAIR. */
  readonly set: readonly string[];
  /** Where to write refined adapters. */
  readonly refine?: string;
  /** Where to write a report. */
  readonly html?: string;
  readonly json: boolean;
  /** Statuses of which an adapter makes the exit code 4. */
  readonly failOn: readonly VerdictStatus[];
}

/**
 * `fedclair audit`: which of a pile of LoRA adapters are contaminated, by CLAIR on the adapters alone; no training, no
 * coordinator.
 */
export async function audit(paths: readonly string[], options: AuditOptions): Promise<void> {
  const clairOptions = parseOptions(options.set);
  const { adapters, skipped, checkpoints } = await findAdapters(paths);
  const { refine, html } = options;
  if (refine !== undefined) await refuseTaken("--refine", refinedFolders(refine, adapters));
  if (html !== undefined) await refuseTaken("--html", [html]);
  process.stderr.write(`comparing ${countNoun(adapters.length, "adapter")} …\n`);
  const onProgress = process.stderr.isTTY ? showProgress : undefined;
  const { comparison, refined } = await Promise.race([
    compareAdapters({
      ...{ adapters, options: clairOptions, refine: refine !== undefined },
      ...(onProgress && { onProgress }),
    }),
    whenAborted(interruption.signal),
  ]);
  const report: Audit = {
    ...comparison,
    ...{ skipped, checkpoints },
    ...(refine !== undefined && { refined: await writeRefined(refine, adapters, refined) }),
  };
  print(options.json ? JSON.stringify(report) + "\n" : auditText(report, clairOptions));
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

/** On a line that is written over, and cleared in the end. */
function showProgress(done: number, modules: number): void {
  const text = done < modules ? `${done} of ${modules} modules read` : "";
  process.stderr.write(`\r\x1b[K${text}`);
}

import { interruption } from "@fedclair/runs";
import { auditText, counted, type Audit } from "./audit-text.js";
import { parseOptions } from "./options.js";
import { findAdapters } from "./pile.js";
import { judgeInThread } from "./thread.js";
import { refuseTaken, writeRefined } from "./write-refined.js";

export interface AuditOptions {
  /** `option=value` of CLAIR. */
  readonly set: readonly string[];
  /** Where to write refined adapters. */
  readonly refine?: string;
  readonly json: boolean;
}

/**
 * `fedclair audit`: which of a pile of LoRA adapters are contaminated, by CLAIR on the adapters alone; no training, no
 * coordinator.
 */
export async function audit(paths: readonly string[], options: AuditOptions): Promise<void> {
  const clairOptions = parseOptions(options.set);
  const { adapters, skipped } = await findAdapters(paths);
  const { refine } = options;
  if (refine !== undefined) await refuseTaken(refine, adapters);
  process.stderr.write(`comparing ${counted(adapters.length, "adapter")} …\n`);
  const { judgement, refined } = await judgeInThread(
    { adapters, options: clairOptions, refine: refine !== undefined },
    interruption.signal,
  );
  const report: Audit = {
    ...judgement,
    skipped,
    ...(refine !== undefined && { refined: await writeRefined(refine, adapters, refined) }),
  };
  process.stdout.write(
    options.json ? JSON.stringify(report) + "\n" : auditText(report, clairOptions),
  );
}

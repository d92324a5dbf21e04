import type { Bank, ClairOptions, clairSchema, ControlKind } from "@fedclair/clair";
import { countNoun, unlessAborted } from "@fedclair/runs";
import type { z } from "zod";
import type { FoundAdapters } from "./adapters/find-adapters.js";
import { formatFound } from "./adapters/found-text.js";
import { rejectExisting } from "./adapters/reject-existing.js";
import type { AdapterOrigin, Audit } from "./audit-schema.js";
import { collectAdapters, type CollectOptions } from "./collect-adapters.js";
import { compareAdapters } from "./compare/compare-adapters.js";
import { parseClairOptions } from "./compare/options.js";
import { findInFiles, inspectFolder } from "./findings/inspect-files.js";
import { readOrigins } from "./findings/origins.js";
import { readAdapters, type ReadOptions } from "./read/read-adapters.js";
import { createMeasuringWriter } from "./refine/measure-candidates.js";
import type { MeasureOptions } from "./refine/measure-losses.js";
import type { RefineRequest } from "./refine/refined-pairs.js";
import {
  createVersionWriter,
  listRefinedFolders,
  unmeasuredNames,
  type RefinedWriter,
} from "./refine/write-refined.js";

export interface AuditOptions extends CollectOptions {
  /** Options of CLAIR; default: `parseClairOptions([])`, which is rule `evidence`. */
  readonly clair?: ClairOptions;
  /** The thresholds; default: the bank that is shipped. */
  readonly bank?: Bank;
  /** Kinds of attackers that a benign adapter must be cleared of; default: any one. */
  readonly required?: readonly ControlKind[];
  /** Writes refined adapters as well. */
  readonly refine?: {
    readonly folder: string;
    /** Measures the losses of refined adapters, so that only the best ones are written. */
    readonly evaluate?: Pick<MeasureOptions, "command" | "timeoutSeconds" | "jobs"> | undefined;
  };
  /** Shows what each adapter says more often than the others; needs a Python with PyTorch. */
  readonly read?: ReadOptions;
  /** Called often, for example with 3, 16 and "modules read". */
  readonly onProgress?: (done: number, all: number, what: string) => void;
}

/**
 * Judges which of a set of LoRA adapters are contaminated. CLAIR compares only the adapters; there
 * is no training.
 * @param paths adapters (PEFT folders), folders in which they are searched, or names on a hub such
 *   as `hf://org/name`
 * @throws UserError if there is no path, if one has no adapter, or if refined adapters exist
 */
export async function audit(
  paths: readonly string[],
  options: Omit<AuditOptions, "clair"> & {
    /** Options of CLAIR; default: rule `evidence`. */
    readonly clair?: z.input<typeof clairSchema>;
  } = {},
): Promise<Audit> {
  const clair = parseClairOptions(options.clair ?? {});
  return await auditAdapters(await collectAdapters(paths, options), { ...options, clair });
}

/** Judges adapters that `collectAdapters` has found. See `audit`. */
export async function auditAdapters(
  { adapters, skipped, checkpoints, ...found }: FoundAdapters,
  options: AuditOptions,
): Promise<Audit> {
  const { clair = parseClairOptions([]), bank, required, refine, log, onProgress } = options;
  const { signal = new AbortController().signal } = options;
  if (refine !== undefined) {
    const versions = refine.evaluate === undefined ? unmeasuredNames : [];
    await rejectExisting("--refine", listRefinedFolders(refine.folder, adapters, versions));
  }
  for (const line of formatFound(found)) log?.(line);
  log?.(`comparing ${countNoun(adapters.length, "adapter")} …`);
  const compare = (request?: RefineRequest) =>
    unlessAborted(
      signal,
      compareAdapters({
        adapters,
        options: clair,
        ...(bank && { bank }),
        ...(required && { required }),
        ...(request && { refine: request }),
        onProgress: (done, modules) => onProgress?.(done, modules, "modules read"),
      }),
    );
  const folders = await Promise.all(adapters.map(inspectFolder));
  const { byName, rejectChanged } = await unlessAborted(signal, readOrigins(folders, onProgress));
  const writer = refine && (await createWriter(refine, adapters, { ...options, signal }));
  try {
    const comparison = await compare(writer?.request);
    const reading =
      options.read &&
      (await readAdapters(adapters, options.read, {
        signal,
        onProgress: (done, all) => {
          if (done === 0) log?.(`reading ${countNoun(all, "adapter")} …`);
          onProgress?.(done, all, "adapters read");
        },
      }));
    rejectChanged();
    return {
      ...comparison,
      adapters: comparison.adapters.map((one) => ({
        ...one,
        origin: byName.get(one.name) as AdapterOrigin,
      })),
      ...(reading && { reading }),
      ...(writer && { refined: await writer.finish() }),
      skipped,
      checkpoints,
      fileFindings: findInFiles(folders.filter(({ adapter }) => adapter.hub?.isSibling !== true)),
    };
  } finally {
    await writer?.close();
  }
}

async function createWriter(
  { folder, evaluate }: NonNullable<AuditOptions["refine"]>,
  adapters: FoundAdapters["adapters"],
  { signal, log, onProgress }: AuditOptions & { readonly signal: AbortSignal },
): Promise<RefinedWriter> {
  if (evaluate === undefined) return createVersionWriter(folder, adapters);
  return await createMeasuringWriter(folder, adapters, {
    ...evaluate,
    signal,
    onProgress: (done, all) => {
      if (done === 0) log?.(`measuring ${countNoun(all, "candidate")} …`);
      onProgress?.(done, all, "candidates measured");
    },
  });
}

import { basename, join } from "node:path";
import {
  clair,
  clairSchema,
  moduleTangents,
  refine,
  type ClairOptions,
} from "@fedclair/aggregators";
import { UserError, type Update } from "@fedclair/core";
import { adapterFolders, readAdapter, writeAdapter, type Adapter } from "./peft.js";
import { findingsOf, type Finding } from "./findings.js";
import { auditText } from "./audit-text.js";
import { refinedPairs } from "./refined.js";

export interface AuditOptions {
  /** `option=value` of CLAIR. */
  readonly set: readonly string[];
  /** Where to write refined adapters. */
  readonly refine?: string;
  readonly json: boolean;
}

/** What an audit says, as `--json` prints it. */
export interface Audit {
  readonly adapters: readonly Finding[];
  /** False if there are too few adapters to suspect any. */
  readonly detection: boolean;
  /** Scores above it are contaminated; null: no gap was found, nobody's. */
  readonly threshold: number | null;
  readonly gap: number;
  /** Dimension of the shared space, by module. */
  readonly ranks: Readonly<Record<string, number>>;
  /** Tensors that are no LoRA pairs, and took no part. */
  readonly ignored: number;
  readonly refined?: RefinedFolder;
}

interface RefinedFolder {
  readonly folder: string;
  /** How many were written. */
  readonly adapters: number;
  /** Share of the energy of the refined changes that adapters of their rank cannot hold, on average. */
  readonly discarded: number;
}

/**
 * `fedclair audit`: which of a pile of LoRA adapters are contaminated, by CLAIR on the adapters alone; no training, no
 * coordinator.
 */
export async function audit(paths: readonly string[], options: AuditOptions): Promise<void> {
  const clairOptions = parseOptions(options.set);
  const folders = await adapterFolders(paths);
  const names = namesOf(folders);
  const adapters = new Map<string, Adapter>();
  for (const [i, folder] of folders.entries()) {
    adapters.set(names[i] ?? folder, await readAdapter(folder));
  }
  const updates = [...adapters].map(([name, { modules }]): Update => {
    return { clientId: name, numExamples: 1, modules, metrics: {} };
  });
  const result = clair(updates, clairOptions);
  const { detection, threshold, gap, spaces } = result;
  const report: Audit = {
    adapters: findingsOf(result, moduleTangents(result)),
    detection,
    threshold: Number.isFinite(threshold) ? threshold : null,
    gap,
    ranks: Object.fromEntries([...spaces].map(([module, { rank }]) => [module, rank])),
    ignored: [...adapters.values()].reduce((total, { ignored }) => total + ignored.length, 0),
    ...(options.refine !== undefined && {
      refined: await writeRefined(options.refine, adapters, refine(result, clairOptions)),
    }),
  };
  process.stdout.write(
    options.json ? JSON.stringify(report) + "\n" : auditText(report, clairOptions),
  );
}

/** `rank=4` and the like. @throws UserError for an option that CLAIR does not have, or a value that it does not take */
function parseOptions(set: readonly string[]): ClairOptions {
  const given = set.map((text) => {
    const split = text.indexOf("=");
    if (split < 1) throw new UserError(`--set: expected option=value, got '${text}'`);
    return [text.slice(0, split), valueOf(text.slice(split + 1))] as const;
  });
  const { data, error } = clairSchema.safeParse(Object.fromEntries(given));
  if (data) return data;
  const issues = error.issues.map(({ path, message }) => [...path, message].join(": "));
  throw new UserError(`--set: ${issues.join("; ")}`);
}

/** `4`, `0.5`, `true` as JSON has them; anything else is text. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The folders' own names where these are unique, else the paths. */
function namesOf(folders: readonly string[]): string[] {
  const short = folders.map((folder) => basename(folder));
  return new Set(short).size === short.length ? short : [...folders];
}

/** Benign adapters only: a contaminated one has nothing to refine, and nobody should use it. */
async function writeRefined(
  folder: string,
  adapters: ReadonlyMap<string, Adapter>,
  refined: ReturnType<typeof refine>,
): Promise<RefinedFolder> {
  let count = 0;
  let discarded = 0;
  for (const [name, { config, modules }] of adapters) {
    const rank = Math.max(...[...modules.values()].map(({ a }) => a.shape[0] ?? 0));
    const pairs = refinedPairs(name, rank, refined);
    if (pairs === undefined) continue;
    await writeAdapter(join(folder, basename(name)), config, pairs.modules, rank);
    count++;
    discarded += pairs.discarded;
  }
  return { folder, adapters: count, discarded: count === 0 ? 0 : discarded / count };
}

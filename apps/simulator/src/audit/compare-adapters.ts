import {
  clair,
  inSharedMemory,
  moduleTangents,
  refineToPairs,
  threadsFor,
  type ClairOptions,
  type ClairResult,
} from "@fedclair/aggregators";
import { UserError, type Update } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { findingsOf, invalid, type Finding } from "./findings.js";
import { beganInBase } from "./peft-config.js";
import { readAdapter, type Adapter } from "./peft.js";
import { identical, unfit } from "./unfit.js";
import type { AdapterFolder } from "./find-adapters.js";
import { refinedPairs, type RefinedPairs } from "./refined-pairs.js";

/** All that a comparison depends on. */
export interface ComparisonInput {
  readonly adapters: readonly AdapterFolder[];
  readonly options: ClairOptions;
  /** Are refined adapters wanted? */
  readonly refine: boolean;
}

/** What CLAIR says of adapters that it has compared, as `--json` prints it. */
export interface Comparison {
  /** In the order in which they were given. */
  readonly adapters: readonly Finding[];
  /** False if there are too few adapters to suspect any. */
  readonly detection: boolean;
  /** Scores above it are contaminated; null: no gap was found, nobody's. */
  readonly threshold: number | null;
  readonly gap: number;
  /** Dimension of the shared space, by module. */
  readonly ranks: Readonly<Record<string, number>>;
  /** Modules whose space would hold any adapters: they cannot give a contaminated one away. */
  readonly uninformative: readonly string[];
  /** Names of tensors that are no LoRA pairs, and took no part. */
  readonly ignored: readonly string[];
  /** Names of the adapters that use DoRA, of which only B·A took part. */
  readonly dora: readonly string[];
  /** Names of the adapters whose B·A began as a part of the base's weights. */
  readonly begunInBase: readonly string[];
  /** Groups of adapters that are the same to the last number. */
  readonly identical: readonly (readonly string[])[];
  /** The bases that the configurations name, the most frequent first. */
  readonly bases: readonly string[];
}

export interface Compared {
  readonly comparison: Comparison;
  /** By adapter; empty unless wanted. */
  readonly refined: ReadonlyMap<string, RefinedPairs>;
}

/**
 * Reads the adapters and compares them by CLAIR on themselves alone. An adapter that cannot be read is invalid.
 * @throws UserError if none can be read, or one is to be refined that cannot be
 */
export async function compareAdapters({
  adapters,
  options,
  refine,
}: ComparisonInput): Promise<Compared> {
  const { readable, faults } = await readAll(adapters);
  const named = (is: (config: Adapter["config"]) => boolean) =>
    [...readable].filter(([, { config }]) => is(config)).map(([name]) => name);
  const dora = named((config) => config.use_dora === true);
  if (refine && dora[0] !== undefined) {
    throw new UserError(
      `--refine: '${dora[0]}' uses DoRA: its weights are more than base + B·A, and cannot be refined; leave such adapters out`,
    );
  }
  const updates = [...readable].map(([name, { modules }]): Update => {
    return { clientId: name, numExamples: 1, delta: modules, metrics: {} };
  });
  const result = await clair(updates, options, { threads: threadsFor(updates) });
  try {
    const { detection, threshold, gap, spaces } = result;
    const found = findingsOf(result, await moduleTangents(result));
    const findings = new Map(found.map((finding) => [finding.name, finding]));
    return {
      comparison: {
        adapters: adapters.map(
          ({ name }) => findings.get(name) ?? invalid(name, faults.get(name) ?? ""),
        ),
        ...{ detection, threshold: Number.isFinite(threshold) ? threshold : null, gap },
        ranks: Object.fromEntries([...spaces].map(([module, { rank }]) => [module, rank])),
        uninformative: detection ? uninformative(result, readable) : [],
        ignored: [...new Set([...readable.values()].flatMap(({ ignored }) => ignored))],
        dora,
        begunInBase: named(beganInBase),
        identical: identical(modulesOf(readable)),
        bases: basesOf(readable),
      },
      refined: refine ? refinedPairs(await refineToPairs(result, options)) : new Map(),
    };
  } finally {
    result.modules.close();
  }
}

type Readable = Pick<Adapter, "config" | "modules"> & { readonly ignored: readonly string[] };

async function readAll(adapters: readonly AdapterFolder[]) {
  const readable = new Map<string, Readable>();
  const faults = new Map<string, string>();
  for (const { name, folder } of adapters) {
    try {
      const { config, modules: read, others } = await readAdapter(folder);
      // Copied once, as soon as it is read, and not again for the threads.
      const modules = new Map([...read].map(([module, pair]) => [module, inSharedMemory(pair)]));
      // The names alone: an embedding that was trained whole is large.
      readable.set(name, { config, modules, ignored: [...others.keys()] });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      faults.set(name, error.message);
    }
  }
  for (const [name, fault] of unfit(modulesOf(readable))) {
    faults.set(name, fault);
    readable.delete(name);
  }
  const [first] = faults.values();
  if (readable.size > 0 || first === undefined) return { readable, faults };
  throw new UserError(
    faults.size === 1 ? first : `none of ${faults.size} adapters can be read; the first: ${first}`,
  );
}

function modulesOf(readable: ReadonlyMap<string, Readable>) {
  return new Map([...readable].map(([name, { modules }]) => [name, modules] as const));
}

function basesOf(readable: ReadonlyMap<string, Readable>): string[] {
  const counts = new Map<string, number>();
  for (const { config } of readable.values()) {
    const base = config.base_model_name_or_path ?? "";
    if (base !== "") counts.set(base, (counts.get(base) ?? 0) + 1);
  }
  return [...counts].sort(([, x], [, y]) => y - x).map(([base]) => base);
}

/**
 * A space of as many dimensions as the module has, or as the benign adapters have together, holds any such adapters: none
 * can lie outside.
 */
function uninformative(
  { benign, spaces }: Pick<ClairResult, "benign" | "spaces">,
  readable: ReadonlyMap<string, Readable>,
): string[] {
  return [...spaces]
    .filter(([module, { rank, left, right }]) => {
      const extent = Math.min(left?.rows ?? Infinity, right?.rows ?? Infinity);
      const ranks = benign.map(({ id }) => readable.get(id)?.modules.get(module)?.b.shape[1] ?? 0);
      return rank >= Math.min(extent, sum(ranks));
    })
    .map(([module]) => module);
}

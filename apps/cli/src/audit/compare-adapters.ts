import {
  clair,
  moduleTangents,
  refineToPairs,
  threadsFor,
  type ClairOptions,
  type ClairResult,
} from "@fedclair/aggregators";
import { UserError, type Update } from "@fedclair/core";
import { item, sum, type Matrix } from "@fedclair/linalg";
import { nearCopies } from "./copies.js";
import { findingsOf, invalid, type Finding } from "./findings.js";
import { startsOf } from "./own-start.js";
import { beganInBase } from "../adapters/peft-config.js";
import type { Adapter } from "../adapters/peft.js";
import { expandAll, readPile, type Pile } from "./pile.js";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import { refinedPairs, type RefinedPairs } from "./refined-pairs.js";

/** All that a comparison depends on. */
export interface ComparisonInput {
  readonly adapters: readonly AdapterFolder[];
  readonly options: ClairOptions;
  /** Are refined adapters wanted? */
  readonly refine: boolean;
  /** Called after each module that was read. */
  readonly onProgress?: (done: number, modules: number) => void;
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
  /** How alike the adapters that were compared are, −1 … 1: names, and a row for each. Only with rule `evidence`. */
  readonly alike?: {
    readonly names: readonly string[];
    readonly cosines: readonly (readonly number[])[];
  };
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
  /** Names of the adapters that began from an A₀ of their own. */
  readonly ownStarts: readonly string[];
  /** Groups of adapters that began from one A₀, the largest first. */
  readonly startGroups: readonly (readonly string[])[];
  /** Groups of adapters that are the same to the last number. */
  readonly identical: readonly (readonly string[])[];
  /** Groups of adapters that are nearly the same: the first of each is compared. */
  readonly nearCopies: readonly (readonly string[])[];
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
 * @throws UserError if one is to be refined that cannot be
 */
export async function compareAdapters({
  adapters: folders,
  options,
  refine,
  onProgress = () => undefined,
}: ComparisonInput): Promise<Compared> {
  const pile = await readPile(folders, onProgress);
  const { adapters, faults, modules } = pile;
  if (adapters.size === 0)
    return { comparison: nothingCompared(folders, faults), refined: new Map() };
  const named = (is: (config: Adapter["config"]) => boolean) =>
    [...adapters].filter(([, { config }]) => is(config)).map(([name]) => name);
  const dora = named((config) => config.use_dora === true);
  if (refine && dora[0] !== undefined) {
    throw new UserError(
      `--refine: '${dora[0]}' uses DoRA: its weights are more than base + B·A, and cannot be refined; leave such adapters out`,
    );
  }
  const firsts = firstsOf(pile.identical);
  // Copies would look like clients that collude.
  const names = [...adapters.keys()];
  const distinct = [...names.keys()].filter((k) => !firsts.has(item(names, k)));
  const near = nearCopies(
    distinct.map((k) => item(names, k)),
    [...among(modules, distinct).values()],
  );
  const nearFirsts = firstsOf(near);
  const compared = distinct.filter((k) => !nearFirsts.has(item(names, k)));
  const updates = compared.map((k): Update => {
    const delta = new Map([...modules].map(([m, { pairs }]) => [m, item(pairs, k)]));
    return { clientId: item(names, k), numExamples: 1, delta, metrics: {} };
  });
  const starts = startsOf(modules);
  const [most = [], ...others] = starts.groups;
  // Where most have one A₀, what sets those with another one apart is no evidence.
  const elsewhere = 2 * most.length > names.length ? [...starts.own, ...others.flat()] : [];
  const result = await clair(updates, options, {
    threads: threadsFor(updates, options),
    grams: among(modules, compared),
    otherStarts: new Set(elsewhere.map((k) => item(names, k))),
  });
  try {
    const { detection, threshold, gap, spaces } = result;
    const tangents = await moduleTangents(result);
    const found = findingsOf(result, tangents);
    const findings = new Map(found.map((finding) => [finding.name, finding]));
    const asFirst = (copies: ReadonlyMap<string, string>, how: string) => {
      for (const [name, first] of copies) {
        const finding = findings.get(first);
        if (finding) findings.set(name, { ...finding, name, reason: `${how} as ${first}` });
      }
    };
    asFirst(nearFirsts, "nearly the same");
    asFirst(firsts, "the same");
    const ignored = [...adapters.values()].flatMap(({ others }) => [...others.keys()]);
    return {
      comparison: {
        adapters: folders.map(
          ({ name }) => findings.get(name) ?? invalid(name, faults.get(name) ?? ""),
        ),
        ...{ detection, threshold: Number.isFinite(threshold) ? threshold : null, gap },
        ...(result.cosines && {
          alike: { names: result.active.map(({ id }) => id), cosines: result.cosines },
        }),
        ranks: Object.fromEntries([...spaces].map(([module, { rank }]) => [module, rank])),
        uninformative: detection ? uninformative(result, pile, tangents) : [],
        ignored: [...new Set(ignored)],
        dora,
        begunInBase: named(beganInBase),
        ownStarts: starts.own.map((k) => item(names, k)),
        startGroups: starts.groups.map((group) => group.map((k) => item(names, k))),
        identical: pile.identical,
        nearCopies: near,
        bases: basesOf(adapters),
      },
      refined: refine ? await refinedOf(result, pile, firsts, options) : new Map(),
    };
  } finally {
    result.modules.close();
  }
}

/** Where no adapter can be read. */
function nothingCompared(folders: readonly AdapterFolder[], faults: Pile["faults"]): Comparison {
  return {
    adapters: folders.map(({ name }) => invalid(name, faults.get(name) ?? "")),
    ...{ detection: false, threshold: null, gap: 1, ranks: {}, uninformative: [], ignored: [] },
    ...{
      dora: [],
      begunInBase: [],
      ownStarts: [],
      startGroups: [],
      identical: [],
      nearCopies: [],
      bases: [],
    },
  };
}

/** The inner products of some adapters, by module. */
function among(modules: Pile["modules"], rows: readonly number[]): Map<string, Matrix> {
  return new Map(
    [...modules].flatMap(([name, { gram }]) => (gram ? [[name, gram.among(rows)] as const] : [])),
  );
}

/** Of every copy the adapter that is compared in its place. @param groups of copies */
function firstsOf(groups: readonly (readonly string[])[]): Map<string, string> {
  return new Map(
    groups.flatMap(([first = "", ...copies]) => copies.map((copy) => [copy, first] as const)),
  );
}

async function refinedOf(
  result: ClairResult,
  pile: Pile,
  firsts: ReadonlyMap<string, string>,
  options: ClairOptions,
): Promise<Map<string, RefinedPairs>> {
  const refined = refinedPairs(expandAll(pile, await refineToPairs(result, options)));
  // Where nothing can be said of anybody all are pooled, and nobody is known to be benign; unless nobody was to be judged.
  for (const name of options.rule === "none" ? [] : refined.keys()) {
    if (result.status.get(name) !== "benign") refined.delete(name);
  }
  for (const [copy, first] of firsts) {
    const pairs = refined.get(first);
    if (pairs) refined.set(copy, pairs);
  }
  return refined;
}

function basesOf(adapters: Pile["adapters"]): string[] {
  const counts = new Map<string, number>();
  for (const { config } of adapters.values()) {
    const base = config.base_model_name_or_path ?? "";
    if (base !== "") counts.set(base, (counts.get(base) ?? 0) + 1);
  }
  return [...counts].sort(([, x], [, y]) => y - x).map(([base]) => base);
}

/** Tangents below it are rounding. */
const least = 1e-6;

/**
 * A space of as many dimensions as the module has, or as the benign adapters have together, holds any such adapters: none
 * can lie outside. Nor do any where all have a factor in common.
 */
function uninformative(
  { benign, spaces }: Pick<ClairResult, "benign" | "spaces">,
  { adapters }: Pick<Pile, "adapters">,
  tangents: ReadonlyMap<string, ReadonlyMap<string, number>>,
): string[] {
  const isOutside = (module: string) =>
    [...tangents.values()].some((own) => (own.get(module) ?? 0) > least);
  return [...spaces]
    .filter(([module, { rank }]) => {
      const pairs = benign.flatMap(({ id }) => adapters.get(id)?.modules.get(module) ?? []);
      const rows = Math.min(...pairs.map(({ b, a }) => Math.min(b.shape[0] ?? 0, a.shape[1] ?? 0)));
      if (!isOutside(module)) return true;
      return rank >= Math.min(rows, sum(pairs.map(({ b }) => b.shape[1] ?? 0)));
    })
    .map(([module]) => module);
}

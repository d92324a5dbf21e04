import {
  blendToPairs,
  clair,
  moduleTangents,
  readShippedBank,
  type Bank,
  type ControlKind,
  type Power,
  refineToPairs,
  threadsFor,
  type ClairOptions,
  type ClairResult,
} from "@fedclair/clair";
import { UserError } from "@fedclair/core";
import { blends, type RefinementKind } from "@fedclair/core/internal";
import { item, sum } from "@fedclair/linalg";
import { findNearCopies } from "./near-copies.js";
import { createFindings, createInvalidFinding, type AdapterFinding } from "./findings.js";
import { findStarts } from "./own-start.js";
import { startsNonZero } from "../adapters/peft-config.js";
import type { Adapter } from "../adapters/peft.js";
import { expandAll, readPile, selectKnown, selectUpdates, type Pile } from "./pile.js";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import { groupByAdapter, type RefinedPairs } from "../refine/refined-pairs.js";

/** Which refined adapters to compute. */
export interface RefineRequest {
  readonly kinds: readonly RefinementKind[];
  /**
   * Whether undecided adapters that are pooled are refined too. Otherwise only benign ones are.
   */
  readonly undecided: boolean;
  /**
   * Called for one kind after the other, because the refined adapters of all kinds may be larger
   * than memory.
   */
  readonly take: (
    kind: RefinementKind,
    refined: ReadonlyMap<string, RefinedPairs>,
  ) => Promise<void>;
}

/** The input of a comparison. */
interface ComparisonInput {
  readonly adapters: readonly AdapterFolder[];
  readonly options: ClairOptions;
  /** Default: the bank that is shipped. */
  readonly bank?: Bank;
  /** Kinds that an adapter must be cleared of to be called benign; default: any one. */
  readonly required?: readonly ControlKind[];
  readonly refine?: RefineRequest;
  /** Called after each module has been read. */
  readonly onProgress?: (done: number, modules: number) => void;
}

/** The result of CLAIR's comparison, in the form that `--json` prints. */
export interface AdapterComparison {
  /** In the order of the command line. */
  readonly adapters: readonly AdapterFinding[];
  /** False if there are too few adapters to flag any. */
  readonly detection: boolean;
  /** Adapters with a score above it are contaminated; null: no gap was found. */
  readonly threshold: number | null;
  /** With rule `evidence`: what the thresholds were calibrated on. */
  readonly bank?: string;
  /** With rule `evidence`: the largest number of adapters that the thresholds were made for. */
  readonly calibratedFor?: number;
  /** With rule `evidence`: a lower score does not stand out. */
  readonly usualBelow?: number;
  /** With rule `evidence`: what became of the attackers that were planted to try the rule. */
  readonly controls?: {
    /** Share of the planted attackers that stood out, by kind. */
    readonly power: Power;
    /** The kinds that an adapter which does not stand out is cleared of. */
    readonly cleared: readonly string[];
  };
  readonly gap: number;
  /**
   * Cosine similarities of the compared adapters, −1 … 1, one row for each. Only with rule
   * `evidence`.
   */
  readonly alike?: {
    readonly names: readonly string[];
    readonly cosines: readonly (readonly number[])[];
  };
  /** Dimension of the shared space, by module. */
  readonly ranks: Readonly<Record<string, number>>;
  /**
   * Modules whose shared space would contain any adapter, so that nothing can be detected in them.
   */
  readonly uninformative: readonly string[];
  /** Names of tensors that are not LoRA pairs and were not compared. */
  readonly ignored: readonly string[];
  /** Names of the adapters that use DoRA. Only their B·A was compared. */
  readonly dora: readonly string[];
  /** Names of the adapters whose B·A did not start at zero (`init_lora_weights`). */
  readonly begunInBase: readonly string[];
  /** Names of the adapters that started from an A₀ of their own. */
  readonly ownStarts: readonly string[];
  /** Groups of adapters that started from the same A₀, the largest first. */
  readonly startGroups: readonly (readonly string[])[];
  /** Groups of adapters with identical numbers. */
  readonly identical: readonly (readonly string[])[];
  /** Groups of nearly identical adapters. Only the first of each group is compared. */
  readonly nearCopies: readonly (readonly string[])[];
  /** Groups of invalid adapters that could be compared with one another. */
  readonly otherForms: readonly (readonly string[])[];
  /** Base models in the configurations, the most frequent first. */
  readonly bases: readonly string[];
}

/**
 * Reads the adapters and compares them with CLAIR. An adapter that cannot be read is invalid.
 * @throws UserError if an adapter that cannot be refined is to be refined
 */
export async function compareAdapters({
  adapters: folders,
  options,
  bank = readShippedBank(),
  required = [],
  refine,
  onProgress = () => undefined,
}: ComparisonInput): Promise<AdapterComparison> {
  const pile = await readPile(folders, onProgress);
  const { adapters, faults, modules } = pile;
  if (adapters.size === 0) return createEmptyComparison(folders, faults);
  const namesWith = (is: (config: Adapter["config"]) => boolean) =>
    [...adapters].filter(([, { config }]) => is(config)).map(([name]) => name);
  const dora = namesWith((config) => config.use_dora === true);
  if (refine !== undefined && dora[0] !== undefined) {
    throw new UserError(
      `--refine: '${dora[0]}' uses DoRA: its weights are more than base + B·A, and cannot be refined; leave such adapters out`,
    );
  }
  const firsts = mapCopiesToFirst(pile.identical);
  // Copies would look like colluding clients.
  const names = [...adapters.keys()];
  const distinct = [...names.keys()].filter((k) => !firsts.has(item(names, k)));
  const near = findNearCopies(
    distinct.map((k) => item(names, k)),
    [...modules.values()].flatMap(({ gram }) => (gram ? [gram.among(distinct)] : [])),
  );
  const nearFirsts = mapCopiesToFirst(near);
  const compared = distinct.filter((k) => !nearFirsts.has(item(names, k)));
  const updates = selectUpdates(pile, compared);
  const starts = findStarts(modules);
  const [most = [], ...others] = starts.groups;
  // If most adapters share one A₀, the differences of the others are no evidence against them.
  const elsewhere = 2 * most.length > names.length ? [...starts.own, ...others.flat()] : [];
  const result = await clair(updates, options, {
    threads: threadsFor(updates, options),
    known: selectKnown(pile, compared),
    bank,
    required,
    otherStarts: new Set(elsewhere.map((k) => item(names, k))),
  });
  try {
    const { detection, gap, spaces, judge } = result;
    const threshold = [...result.verdicts.values()][0]?.threshold ?? Infinity;
    const tangents = await moduleTangents(result);
    const found = createFindings(result, tangents);
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
    if (refine !== undefined) await refineAll(result, pile, firsts, options, refine);
    return {
      adapters: folders.map(
        ({ name }) => findings.get(name) ?? createInvalidFinding(name, faults.get(name) ?? ""),
      ),
      detection,
      threshold: Number.isFinite(threshold) ? threshold : null,
      gap,
      ...(judge.by === "evidence" && {
        alike: {
          names: result.active.map(({ id }) => id),
          cosines: judge.measures.cosines.toRows(),
        },
        bank: bank.name,
        calibratedFor: judge.controls.thresholds.largest,
        usualBelow: judge.controls.thresholds.lower,
        controls: { power: judge.controls.power, cleared: judge.controls.cleared },
      }),
      ranks: Object.fromEntries([...spaces].map(([module, { rank }]) => [module, rank])),
      uninformative: detection ? findUninformative(result, pile, tangents) : [],
      ignored: [...new Set(ignored)],
      dora,
      begunInBase: namesWith(startsNonZero),
      ownStarts: starts.own.map((k) => item(names, k)),
      startGroups: starts.groups.map((group) => group.map((k) => item(names, k))),
      identical: pile.identical,
      nearCopies: near,
      otherForms: pile.otherForms,
      bases: listBases(adapters),
    };
  } finally {
    result.modules.close();
  }
}

/** Creates the result for the case that no adapter can be read. */
function createEmptyComparison(
  folders: readonly AdapterFolder[],
  faults: Pile["faults"],
): AdapterComparison {
  return {
    adapters: folders.map(({ name }) => createInvalidFinding(name, faults.get(name) ?? "")),
    detection: false,
    threshold: null,
    gap: 1,
    ranks: {},
    uninformative: [],
    ignored: [],
    dora: [],
    begunInBase: [],
    ownStarts: [],
    startGroups: [],
    identical: [],
    nearCopies: [],
    otherForms: [],
    bases: [],
  };
}

/** Maps every copy to the adapter that is compared in its place. @param groups of copies */
function mapCopiesToFirst(groups: readonly (readonly string[])[]): Map<string, string> {
  return new Map(
    groups.flatMap(([first = "", ...copies]) => copies.map((copy) => [copy, first] as const)),
  );
}

async function refineAll(
  result: ClairResult,
  pile: Pile,
  firsts: ReadonlyMap<string, string>,
  options: ClairOptions,
  { kinds, undecided, take }: RefineRequest,
): Promise<void> {
  for (const kind of kinds) {
    const pairs =
      kind === "clair"
        ? await refineToPairs(result, options)
        : await blendToPairs(result, options, blends[kind]);
    const refined = groupByAdapter(expandAll(pile, pairs));
    for (const name of undecided ? [] : refined.keys()) {
      if (result.status.get(name) !== "benign") refined.delete(name);
    }
    for (const [copy, first] of firsts) {
      const own = refined.get(first);
      if (own) refined.set(copy, own);
    }
    await take(kind, refined);
  }
}

function listBases(adapters: Pile["adapters"]): string[] {
  const counts = new Map<string, number>();
  for (const { config } of adapters.values()) {
    const base = config.base_model_name_or_path ?? "";
    if (base !== "") counts.set(base, (counts.get(base) ?? 0) + 1);
  }
  return [...counts].sort(([, x], [, y]) => y - x).map(([base]) => base);
}

/** Smaller tangents are rounding errors. */
const least = 1e-6;

/**
 * Finds modules in which no adapter can lie outside the shared space. This happens if the space has
 * as many dimensions as the module, or as all benign adapters together, or if all adapters have a
 * factor in common.
 */
function findUninformative(
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

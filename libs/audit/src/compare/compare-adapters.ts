import {
  certifiedMargin,
  clair,
  moduleTangents,
  readShippedBank,
  type Bank,
  type ClairResult,
  type ControlKind,
  threadsFor,
  type ClairOptions,
} from "@fedclair/clair";
import { UserError } from "@fedclair/core";
import { item, sum } from "@fedclair/linalg";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import type { AdapterComparison } from "../audit-schema.js";
import { startsNonZero } from "../adapters/peft-config.js";
import type { Adapter } from "../adapters/peft.js";
import type { RefineRequest } from "../refine/refined-pairs.js";
import { createFindings, createInvalidFinding } from "./findings.js";
import { findStarts } from "./own-start.js";
import { readPile, selectUpdates, type Pile } from "./pile.js";
import { refineAdapters } from "./refine-adapters.js";
import { findUninformative } from "./uninformative-modules.js";

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

/**
 * Reads the adapters and compares them with CLAIR. An adapter that cannot be read is invalid.
 * @throws UserError if an adapter that cannot be refined is to be refined, or if the chosen rank is
 * more than all adapters have together
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
  const namesWith = (is: (config: Adapter["config"]) => boolean) =>
    [...adapters].filter(([, { config }]) => is(config)).map(([name]) => name);
  const dora = namesWith((config) => config.use_dora === true);
  if (refine !== undefined && dora[0] !== undefined) {
    throw new UserError(
      `--refine: '${dora[0]}' uses DoRA: its weights are more than base + B·A, and cannot be refined; leave such adapters out`,
    );
  }
  requirePossibleRank(options, adapters);
  const names = [...adapters.keys()];
  const updates = selectUpdates(pile);
  const starts = findStarts(modules);
  const [most = [], ...others] = starts.groups;
  // If most adapters share one A₀, the differences of the others are no evidence against them.
  const elsewhere = 2 * most.length > names.length ? [...starts.own, ...others.flat()] : [];
  const result = await clair(updates, options, {
    threads: threadsFor(updates, options),
    known: modules,
    bank,
    required,
    otherStarts: new Set(elsewhere.map((k) => item(names, k))),
  });
  try {
    const { canFlag: detection, gap, identifiable, spaces, judge } = result;
    const threshold = [...result.verdicts.values()][0]?.threshold ?? Infinity;
    const tangents = await moduleTangents(result);
    const found = createFindings(result, tangents);
    const findings = new Map(found.map((finding) => [finding.name, finding]));
    const ignored = [...adapters.values()].flatMap(({ others }) => [...others.keys()]);
    if (refine !== undefined) await refineAdapters(result, pile, options, refine);
    return {
      adapters: folders.map(
        ({ name }) => findings.get(name) ?? createInvalidFinding(name, faults.get(name) ?? ""),
      ),
      detection,
      threshold: Number.isFinite(threshold) ? threshold : null,
      gap,
      ...(identifiable && { identifiable: describeMargin(identifiable) }),
      ...(judge.by === "evidence" && {
        alike: {
          names: result.active.map(({ id }) => id),
          cosines: judge.measures.cosines.toRows(),
        },
        bank: bank.name,
        calibratedFor: judge.controls.thresholds.largest,
        usualBelow: judge.controls.thresholds.lower,
        falseAlarmRate: judge.controls.thresholds.rate,
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
      nearCopies: result.copies,
      otherForms: pile.otherForms,
      bases: listBases(adapters),
    };
  } finally {
    result.modules.close();
  }
}

/** @throws UserError if the adapters do not have as many dimensions as the shared space should */
function requirePossibleRank({ rank }: ClairOptions, adapters: Pile["adapters"]): void {
  const most = sum([...adapters.values()].map(({ config }) => config.r));
  if (rank === "auto" || rank <= most) return;
  throw new UserError(
    `rank = ${rank}: the adapters have at most ${most} dimensions together: expected auto, or a rank well below that`,
  );
}

function describeMargin({
  margin,
  complete,
  rivals,
}: NonNullable<ClairResult["identifiable"]>): NonNullable<AdapterComparison["identifiable"]> {
  const certified = margin > certifiedMargin;
  return { certified, margin, complete, ...(rivals && { groups: rivals }) };
}

function listBases(adapters: Pile["adapters"]): string[] {
  const counts = new Map<string, number>();
  for (const { config } of adapters.values()) {
    const base = config.base_model_name_or_path ?? "";
    if (base !== "") counts.set(base, (counts.get(base) ?? 0) + 1);
  }
  return [...counts].sort(([, x], [, y]) => y - x).map(([base]) => base);
}

import { excerpt } from "@fedclair/core";
import type { StoredType } from "@fedclair/core/internal";
import { item, sum } from "@fedclair/linalg";
import { listFirst } from "../adapters/names-text.js";
import { nameInBase, type Config } from "../adapters/peft-config.js";
import { totalRank, withRank, type Adapter, type PairInFile } from "../adapters/peft.js";

/** An adapter that votes on the form of the shared one. */
interface Voter {
  readonly adapter: Adapter;
  /** The weight of its vote. */
  readonly weight: number;
}

/** The form of the shared adapter, and what the user should know about it. */
interface ElectedForm {
  /** An adapter with the elected configuration, ranks, scales and number types. */
  readonly like: Adapter;
  readonly warnings: readonly string[];
}

/**
 * The keys of a configuration that the shared adapter may have, besides those that set ranks and
 * scales. Others are left out: a loader might follow them.
 */
const knownKeys = [
  "auto_mapping",
  "base_model_name_or_path",
  "revision",
  "peft_version",
  "task_type",
  "inference_mode",
  "target_modules",
  "exclude_modules",
  "layers_to_transform",
  "layers_pattern",
  "layer_replication",
  "modules_to_save",
  "fan_in_fan_out",
  "bias",
  "lora_bias",
  "lora_dropout",
  "init_lora_weights",
  "alora_invocation_tokens",
] as const;

const rankKeys = ["r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern"] as const;

/**
 * Chooses the form of the shared adapter: of every part what more than half of the votes are for.
 * Without a majority a key is left out, numbers are stored as F32, and all modules get the middle
 * rank and a scale of 1.
 * @param voters the pooled clients, at least one
 * @param all the adapters of all clients, to report who names another base model
 */
export function electForm(
  voters: readonly Voter[],
  all: ReadonlyMap<string, Adapter>,
): ElectedForm {
  const base = electKeys(voters, ["base_model_name_or_path", "revision"]);
  const known = Object.assign({}, ...knownKeys.map((key) => electKeys(voters, [key]))) as object;
  const ranked = findMajority(voters, ({ config }) => textOf(config, rankKeys));
  const like = ranked ?? withRank(item(voters, 0).adapter, middleRank(voters));
  const config: Config = {
    target_modules: [...like.modules.keys()].map(nameInBase),
    ...known,
    ...base,
    ...pick(like.config, rankKeys),
    peft_type: "LORA",
    r: like.config.r,
    lora_alpha: like.config.lora_alpha,
  };
  const typed = findMajority(voters, formatTypes);
  const modules = [...like.modules].map(([name, pair]): [string, PairInFile] => {
    const types = typed?.modules.get(name);
    return [name, withTypes(pair, types?.b.type ?? "F32", types?.a.type ?? "F32")];
  });
  return {
    like: { config, modules: new Map(modules), others: new Map() },
    warnings: listOtherBases(all, base),
  };
}

/**
 * Returns what more than half of the voters have, and more than half of the votes are for;
 * undefined if there is no such majority. Voters count as well, so that honest clients who sent
 * nearly the same are not outvoted by two others.
 */
function findMajority(
  voters: readonly Voter[],
  formOf: (adapter: Adapter) => string,
): Adapter | undefined {
  const forms = voters.map(({ adapter }) => formOf(adapter));
  const isElected = (own: string, weightOf: (voter: Voter) => number) => {
    const weights = voters.map(weightOf);
    const votes = sum(weights.filter((_, k) => forms[k] === own));
    // Sums of thirds are not exact; an exact half is no majority.
    return votes > (0.5 + 1e-9) * sum(weights);
  };
  const elected = [...new Set(forms)].find(
    (form) => isElected(form, () => 1) && isElected(form, ({ weight }) => weight),
  );
  return elected === undefined ? undefined : voters[forms.indexOf(elected)]?.adapter;
}

/** The given keys of most configurations; none of them without a majority. */
function electKeys(voters: readonly Voter[], keys: readonly string[]): Partial<Config> {
  const elected = findMajority(voters, ({ config }) => textOf(config, keys));
  return elected ? pick(elected.config, keys) : {};
}

function pick(config: Config, keys: readonly string[]): Partial<Config> {
  return Object.fromEntries(keys.flatMap((key) => (key in config ? [[key, config[key]]] : [])));
}

/**
 * Writes the given keys so that equal values have the same text: PEFT writes sets in any order. The
 * order of patterns stays, because the first one that matches a module counts.
 */
function textOf(config: Config, keys: readonly string[]): string {
  return JSON.stringify(
    keys.map((key) => config[key] ?? null),
    (_, value: unknown) => (isTexts(value) ? value.toSorted() : value),
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function formatTypes({ modules }: Adapter): string {
  return JSON.stringify([...modules].map(([name, { b, a }]) => [name, b.type, a.type]).sort());
}

function withTypes({ b, a, scale }: PairInFile, ofB: StoredType, ofA: StoredType): PairInFile {
  return { b: { ...b, type: ofB }, a: { ...a, type: ofA }, scale };
}

/** The largest rank that at least half of the votes reach on average over their modules. */
function middleRank(voters: readonly Voter[]): number {
  const ranked = voters
    .map(({ adapter, weight }) => {
      return { rank: Math.ceil(totalRank(adapter) / adapter.modules.size), weight };
    })
    .sort((x, y) => y.rank - x.rank);
  const half = sum(ranked.map(({ weight }) => weight)) / 2;
  let reached = 0;
  const middle = ranked.find(({ weight }) => (reached += weight) >= half * (1 - 1e-9));
  return (middle ?? item(ranked, 0)).rank;
}

/** Reports clients that name another base model or revision than the shared adapter. */
function listOtherBases(
  adapters: ReadonlyMap<string, Adapter>,
  elected: Partial<Config>,
): readonly string[] {
  const nameOf = ({ base_model_name_or_path: base, revision }: Partial<Config>) =>
    [base ?? "none", ...(typeof revision === "string" ? [`revision ${revision}`] : [])]
      .map(excerpt)
      .join(", ");
  const named = [...adapters].map(([client, { config }]) => [client, nameOf(config)] as const);
  const wanted = nameOf(elected);
  const others = named.filter(([, name]) => name !== wanted).map((pair) => pair.join(" names "));
  if (others.length === 0) return [];
  return [
    Object.keys(elected).length === 0 && wanted === "none"
      ? `no base model is named by most clients, so global names none: ${listFirst(others)}.`
      : `the base model of global is ${wanted}; others: ${listFirst(others)}.`,
  ];
}

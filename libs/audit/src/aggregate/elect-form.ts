import { excerpt } from "@fedclair/core";
import type { StoredType } from "@fedclair/core/internal";
import { item } from "@fedclair/linalg";
import { listFirst } from "../adapters/names-text.js";
import { nameInBase, type Config } from "../adapters/peft-config.js";
import { totalRank, withRank, type Adapter, type PairInFile } from "../adapters/peft.js";

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
 * Chooses the form of the shared adapter: of every part what more than half of the voters have.
 * Without a majority a key is left out, numbers are stored as F32, and all modules get the middle
 * rank and a scale of 1.
 * @param voters the pooled clients' adapters, at least one
 * @param all the adapters of all clients, to report who names another base model
 */
export function electForm(
  voters: ReadonlyMap<string, Adapter>,
  all: ReadonlyMap<string, Adapter>,
): ElectedForm {
  const adapters = [...voters.values()];
  const configs = adapters.map(({ config }) => config);
  const base = electKeys(configs, ["base_model_name_or_path", "revision"]);
  const known = Object.assign({}, ...knownKeys.map((key) => electKeys(configs, [key]))) as object;
  const ranked = findMajority(adapters, ({ config }) => textOf(config, rankKeys));
  const like = ranked ?? withRank(item(adapters, 0), middleRank(adapters));
  const config: Config = {
    target_modules: [...like.modules.keys()].map(nameInBase),
    ...known,
    ...base,
    ...pick(like.config, rankKeys),
    peft_type: "LORA",
    r: like.config.r,
    lora_alpha: like.config.lora_alpha,
  };
  const typed = findMajority(adapters, formatTypes);
  const modules = [...like.modules].map(([name, pair]): [string, PairInFile] => {
    const types = typed?.modules.get(name);
    return [name, withTypes(pair, types?.b.type ?? "F32", types?.a.type ?? "F32")];
  });
  return {
    like: { config, modules: new Map(modules), others: new Map() },
    warnings: listOtherBases(all, base),
  };
}

/** Returns what more than half of the voters agree on; undefined if there is no such majority. */
function findMajority<T>(voters: readonly T[], formOf: (voter: T) => string): T | undefined {
  const forms = voters.map(formOf);
  const counts = new Map<string, number>();
  for (const form of forms) counts.set(form, (counts.get(form) ?? 0) + 1);
  return voters.find((_, k) => 2 * (counts.get(item(forms, k)) ?? 0) > voters.length);
}

/** The given keys of most configurations; none of them without a majority. */
function electKeys(configs: readonly Config[], keys: readonly string[]): Partial<Config> {
  const elected = findMajority(configs, (config) => textOf(config, keys));
  return elected ? pick(elected, keys) : {};
}

function pick(config: Config, keys: readonly string[]): Partial<Config> {
  return Object.fromEntries(keys.flatMap((key) => (key in config ? [[key, config[key]]] : [])));
}

/** Writes the given keys so that equal values have the same text: PEFT writes sets in any order. */
function textOf(config: Config, keys: readonly string[]): string {
  return JSON.stringify(
    keys.map((key) => config[key] ?? null),
    (_, value: unknown) => (isSortable(value) ? sortEntries(value) : value),
  );
}

function isSortable(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function sortEntries(value: object): unknown {
  if (!Array.isArray(value)) {
    const entries: [string, unknown][] = Object.entries(value);
    return Object.fromEntries(entries.sort(([x], [y]) => (x < y ? -1 : 1)));
  }
  return value.every((one) => typeof one === "string") ? value.toSorted() : value;
}

function formatTypes({ modules }: Adapter): string {
  return JSON.stringify([...modules].map(([name, { b, a }]) => [name, b.type, a.type]).sort());
}

function withTypes({ b, a, scale }: PairInFile, ofB: StoredType, ofA: StoredType): PairInFile {
  return { b: { ...b, type: ofB }, a: { ...a, type: ofA }, scale };
}

/** The largest rank that at least half of the adapters reach on average over their modules. */
function middleRank(adapters: readonly Adapter[]): number {
  const ranks = adapters.map((one) => Math.ceil(totalRank(one) / one.modules.size));
  return item(
    ranks.sort((x, y) => x - y),
    ranks.length >> 1,
  );
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

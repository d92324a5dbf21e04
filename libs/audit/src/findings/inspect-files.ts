import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { readText } from "@fedclair/runs";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import { listFirst } from "../adapters/names-text.js";
import { configFile, maxConfigBytes } from "../adapters/peft-config.js";
import { findingKinds, type Finding, type FindingCode } from "./catalogue.js";

/** The parts of an adapter's configuration that say what a loader does besides loading pairs. */
type Content = Readonly<Record<string, unknown>>;

/** An adapter and everything that its folder shows without reading numbers. */
export interface InspectedFolder {
  readonly adapter: AdapterFolder;
  /** The files in the folder, and not in folders below it. */
  readonly files: readonly string[];
  /** Empty if it is no JSON. */
  readonly config: Content;
  /** The licence that the hub or the README names. */
  readonly licence?: string;
}

/** Lists the files of an adapter's folder and reads its small texts. */
export async function inspectFolder(adapter: AdapterFolder): Promise<InspectedFolder> {
  const { folder, hub } = adapter;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const own = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const files = (hub?.files ?? own).filter((name) => !name.includes("/")).toSorted();
  const readme = hub === undefined && own.includes("README.md") ? tryRead(folder, "README.md") : "";
  const [, header = ""] = /^---\r?\n([^]*?)\r?\n---/.exec(readme) ?? [];
  const [, named] = /^license: *["']?([^\s"']+)/m.exec(header) ?? [];
  const licence = hub?.licence ?? named;
  return {
    adapter,
    files,
    config: parseContent(tryRead(folder, configFile)),
    ...(licence !== undefined && { licence }),
  };
}

/** Reads a text; empty if it cannot be read, which the audit reports if it matters. */
function tryRead(folder: string, file: string): string {
  try {
    return readText(join(folder, file), maxConfigBytes);
  } catch (error) {
    if (error instanceof UserError) return "";
    throw error;
  }
}

function parseContent(text: string): Content {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === "object" && content !== null ? (content as Content) : {};
  } catch {
    return {};
  }
}

/** Libraries whose modules an adapter's configuration may name. Others run code of a stranger. */
const knownLibraries =
  /^(?:transformers|diffusers|lerobot|peft|timm|sentence_transformers|torch)(?:\.\w+)*$/;

/** So many of an adapter's details are reported. */
const mostDetails = 5;

/** The weights that the audit reads, and the index of their shards. */
const ownWeights = /^adapter_model(?:-\d+-of-\d+)?\.safetensors$/;

/**
 * What to look for in one folder. Each returns a detail for everything that it finds, such as the
 * name of a file.
 */
const checks: Partial<Record<FindingCode, (folder: InspectedFolder) => readonly string[]>> = {
  "imported-code": ({ config }) => {
    const mapping = config["auto_mapping"] as Content | null | undefined;
    const named = [
      ["auto_mapping.parent_library", mapping?.["parent_library"]],
      // The default, which is written into every configuration.
      [
        "megatron_core",
        config["megatron_core"] === "megatron.core" ? null : config["megatron_core"],
      ],
    ] as const;
    return named.flatMap(([key, value]) =>
      value === undefined || value === null || knownLibraries.test(cut(value))
        ? []
        : [`${key}: ${cut(value)}`],
    );
  },
  "custom-code": ({ adapter: { folder, hub }, files }) => [
    ...files.filter((name) => /\.(?:py|pyc|so|dll|dylib|sh|exe)$/i.test(name)),
    ...["config.json", "tokenizer_config.json"]
      .filter((name) => hub === undefined && files.includes(name))
      .filter((name) => parseContent(tryRead(folder, name))["auto_map"] !== undefined)
      .map((name) => `auto_map in ${name}`),
  ],
  pickle: ({ files }) =>
    files.filter((name) => /\.(?:bin|pt|pth|pkl|pickle|ckpt|joblib)$/i.test(name)),
  "unjudged-weights": ({ config }) =>
    ["modules_to_save", "bias", "lora_bias", "trainable_token_indices"]
      .filter((key) => isSet(config[key]))
      .map((key) => `${key}: ${cut(config[key])}`),
  "other-weights": ({ files }) =>
    files.filter(
      (name) => /\.(?:safetensors|gguf|h5|onnx|msgpack|npz)$/i.test(name) && !ownWeights.test(name),
    ),
  "only-after-tokens": ({ config }) =>
    isSet(config["alora_invocation_tokens"]) ? [cut(config["alora_invocation_tokens"])] : [],
  tokenizer: ({ files }) =>
    files.filter((name) => /^(?:tokenizer|added_tokens|chat_template)\b/.test(name)),
  "no-licence": ({ adapter: { hub }, files, licence }) =>
    licence === undefined && (hub?.modified !== undefined || files.includes("README.md"))
      ? [""]
      : [],
  "unknown-base": ({ config }) =>
    "peft_type" in config && !isSet(config["base_model_name_or_path"]) ? [""] : [],
};

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return ![undefined, null, false, "", "none"].includes(value as never);
}

function cut(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Finds what the files of adapters show, one finding for each code. */
export function findInFiles(folders: readonly InspectedFolder[]): Finding[] {
  const found = Object.entries(checks).map(([code, check]) => ({
    code: code as FindingCode,
    adapters: folders.flatMap((folder) => {
      const details = check(folder);
      const detail = details.slice(0, mostDetails).join(", ");
      const { name } = folder.adapter;
      return details.length === 0 ? [] : [{ name, ...(detail !== "" && { detail }) }];
    }),
  }));
  const several = findRevisions(folders);
  return [
    ...found,
    ...(several.length > 0 ? [{ code: "several-revisions" as const, adapters: several }] : []),
  ]
    .filter(({ adapters }) => adapters.length > 0)
    .map(({ code, adapters }) => {
      const { level, title, advice } = findingKinds[code];
      const names = adapters.map(({ name, detail }) =>
        detail === undefined ? name : `${name} (${detail})`,
      );
      return { code, level, text: `${title}: ${listFirst(names)}.`, advice, adapters };
    });
}

/** Lists the adapters that name another revision of the base than most. */
function findRevisions(folders: readonly InspectedFolder[]): Finding["adapters"] {
  const named = folders.map(({ adapter: { name }, config }) => {
    return { name, detail: isSet(config["revision"]) ? cut(config["revision"]) : "none" };
  });
  const counts = new Map<string, number>();
  for (const { detail } of named) counts.set(detail, (counts.get(detail) ?? 0) + 1);
  const [most] = [...counts].sort(([, x], [, y]) => y - x)[0] ?? [];
  return named.filter(({ detail }) => detail !== most);
}

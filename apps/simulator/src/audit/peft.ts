import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  decodeSafetensors,
  encodeSafetensors,
  shapeText,
  UserError,
  type LowRank,
  type Params,
  type StoredType,
  type Tensor,
} from "@fedclair/core";
import { z } from "zod";
import { configFile, rankFor, readConfig, scaleOf, type Config } from "./peft-config.js";

/*
 * LoRA adapters as Hugging Face PEFT keeps them (https://huggingface.co/docs/peft, checkpoint format): a folder with
 * `adapter_config.json` and `adapter_model.safetensors`, whose tensors are `<module>.lora_A.weight` (r×in) and
 * `<module>.lora_B.weight` (out×r). The change of a module is scale · B · A.
 */

const modelFile = "adapter_model.safetensors";
const shardsFile = `${modelFile}.index.json`;

export interface Adapter {
  readonly config: Config;
  /** By module, the scale in B. */
  readonly modules: ReadonlyMap<string, LowRank>;
  /** What else the file holds: weights of `modules_to_save`, biases, embeddings, magnitudes of DoRA. */
  readonly others: Params;
  /** How the numbers are stored, by tensor; of a pair by `<module>.lora_A` and `<module>.lora_B`. */
  readonly types: ReadonlyMap<string, StoredType>;
}

/** @throws UserError if it is no LoRA adapter that this program can read, with the file and what is wrong */
export async function readAdapter(folder: string): Promise<Adapter> {
  const config = await readConfig(join(folder, configFile));
  const file = join(folder, modelFile);
  const stored = await readTensors(folder);
  try {
    return { config, ...pairsOf(stored, config) };
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${file}: ${error.message}`) : error;
  }
}

/** Tensors, and how they are stored. */
type Stored = Pick<ReturnType<typeof decodeSafetensors>, "params" | "types">;

/** Of one file, or of the shards that an index names. */
async function readTensors(folder: string): Promise<Stored> {
  const shards = await shardsOf(join(folder, shardsFile));
  const params = new Map<string, Tensor>();
  const types = new Map<string, StoredType>();
  for (const name of shards ?? [modelFile]) {
    const file = join(folder, name);
    const bytes = await readFile(file).catch(() => {
      throw new UserError(
        `cannot read '${file}'; adapters saved as .bin must be saved anew as safetensors: ` +
          "load them with PEFT where you trust them, and call save_pretrained",
      );
    });
    try {
      const read = decodeSafetensors(bytes);
      for (const [key, tensor] of read.params) params.set(key, tensor);
      for (const [key, type] of read.types) types.set(key, type);
    } catch (error) {
      throw error instanceof UserError ? new UserError(`${file}: ${error.message}`) : error;
    }
  }
  return { params, types };
}

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** The files of an adapter in several, or undefined if there is no index of them. */
async function shardsOf(index: string): Promise<readonly string[] | undefined> {
  const text = await readFile(index, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new UserError(`${index}: expected JSON`);
  }
  const { data, error } = indexSchema.safeParse(content);
  if (error) throw new UserError(`${index}: expected a weight_map of file names`);
  const files = [...new Set(Object.values(data.weight_map))].sort();
  const outside = files.find((file) => basename(file) !== file);
  if (outside === undefined) return files;
  throw new UserError(`${index}: '${outside}': expected the name of a file beside it`);
}

/** With adapter names in the key (`lora_A.default.weight`) as unmerged models save it, or without. */
const pairKey = /^(.+)\.lora_(A|B)(?:\.[^.]+)?\.weight$/;

function pairsOf({ params, types }: Stored, config: Config): Omit<Adapter, "config"> {
  const halves = { A: new Map<string, Tensor>(), B: new Map<string, Tensor>() };
  const others = new Map<string, Tensor>();
  const typeOf = new Map<string, StoredType>();
  for (const [name, tensor] of params) {
    const [, module = "", half] = pairKey.exec(name) ?? [];
    const type = types.get(name) ?? "F32";
    if (half !== "A" && half !== "B") {
      others.set(name, tensor);
      typeOf.set(name, type);
      continue;
    }
    typeOf.set(`${module}.lora_${half}`, type);
    if (halves[half].has(module)) {
      throw new UserError(`${module}: expected one adapter, got a second lora_${half}, ${name}`);
    }
    halves[half].set(module, tensor);
  }
  const modules = new Map<string, LowRank>();
  for (const module of new Set([...halves.A.keys(), ...halves.B.keys()])) {
    const a = halves.A.get(module);
    const b = halves.B.get(module);
    const [rank] = a?.shape ?? [];
    const matrices = a?.shape.length === 2 && b?.shape.length === 2;
    if (!matrices || rank === undefined || b.shape[1] !== rank) {
      const [gotA, gotB] = [a, b].map((half) => (half ? shapeText(half.shape) : "none"));
      throw new UserError(
        `${module}: expected lora_A of shape r×in and lora_B of out×r, got ${gotA} and ${gotB}`,
      );
    }
    const wanted = rankFor(module, config);
    if (rank !== wanted) {
      throw new UserError(`${module}: ${configFile} says rank ${wanted}, the tensors have ${rank}`);
    }
    modules.set(module, { b: scaled(b, scaleOf(module, rank, config)), a });
  }
  if (modules.size === 0) throw new UserError("no pair of lora_A and lora_B");
  return { modules, others, types: typeOf };
}

function scaled({ shape, data }: Tensor, factor: number): Tensor {
  return { shape, data: data.map((x) => x * factor) };
}

/**
 * Writes an adapter with other pairs than the original, in one file; its configuration, its types and all else that it holds stay.
 * @param pairs of the modules and ranks of the original, the scale in B
 */
export async function writeAdapter(
  folder: string,
  { config, others, types }: Pick<Adapter, "config" | "others" | "types">,
  pairs: ReadonlyMap<string, LowRank>,
): Promise<void> {
  const tensors = [...pairs].flatMap(([module, { b, a }]): [string, Tensor][] => {
    const scale = scaleOf(module, a.shape[0] ?? 0, config);
    return [
      [`${module}.lora_A.weight`, single(a)],
      [`${module}.lora_B.weight`, single(scaled(b, 1 / scale))],
    ];
  });
  const stored = new Map([...types].map(([name, type]) => [nameInFile(name, pairs), type]));
  const written = new Map([...tensors, ...others]);
  const bytes = encodeSafetensors(written, { format: "pt" }, stored);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, configFile), JSON.stringify(config, null, 2) + "\n");
  await writeFile(join(folder, modelFile), bytes);
}

/** A pair's halves are tensors of their own. */
function nameInFile(name: string, pairs: ReadonlyMap<string, LowRank>): string {
  return pairs.has(name.replace(/\.lora_[AB]$/, "")) ? `${name}.weight` : name;
}

function single({ shape, data }: Tensor): Tensor {
  return { shape, data: Float32Array.from(data) };
}

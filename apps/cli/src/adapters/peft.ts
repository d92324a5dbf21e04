import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeSafetensors, shapeText, UserError, type LowRank, type Tensor } from "@fedclair/core";
import type { Allocate, StoredType } from "@fedclair/core/internal";
import { configFile, rankFor, readConfig, scaleOf, type Config } from "./peft-config.js";
import { modelFile, readTensor, tensorsIn, type FiledTensor } from "./tensor-files.js";

/*
 * LoRA adapters as Hugging Face PEFT keeps them (https://huggingface.co/docs/peft, checkpoint format): a folder with
 * `adapter_config.json` and `adapter_model.safetensors`, whose tensors are `<module>.lora_A.weight` (r×in) and
 * `<module>.lora_B.weight` (out×r). The change of a module is scale · B · A.
 */

/** What an adapter is; its numbers are still in its files. */
export interface Adapter {
  readonly config: Config;
  readonly modules: ReadonlyMap<string, FiledPair>;
  /** What else the files hold: weights of `modules_to_save`, biases, embeddings, magnitudes of DoRA. */
  readonly others: ReadonlyMap<string, FiledTensor>;
}

/** B (out×r) and A (r×in) of a module, and what B·A counts times. */
export interface FiledPair {
  readonly b: FiledTensor;
  readonly a: FiledTensor;
  readonly scale: number;
}

/** @throws UserError if it is no LoRA adapter that this program can read, with the file and what is wrong */
export async function openAdapter(folder: string): Promise<Adapter> {
  const config = await readConfig(join(folder, configFile));
  const tensors = await tensorsIn(folder);
  try {
    return { config, ...pairsOf(tensors, config) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${join(folder, modelFile)}: ${error.message}`);
  }
}

/** The scale in B. @param allocate gives the memory that the numbers will lie in */
export function readPair({ b, a, scale }: FiledPair, allocate?: Allocate): LowRank {
  const pair = { b: readTensor(b, allocate), a: readTensor(a, allocate) };
  scaleInto(pair.b.data, pair.b.data, scale);
  return pair;
}

/** Of all modules. */
export function readPairs({ modules }: Adapter): Map<string, LowRank> {
  return new Map([...modules].map(([module, pair]) => [module, readPair(pair)]));
}

/** With adapter names in the key (`lora_A.default.weight`) as unmerged models save it, or without. */
const pairKey = /^(.+)\.lora_(A|B)(?:\.[^.]+)?\.weight$/;

function pairsOf(
  tensors: ReadonlyMap<string, FiledTensor>,
  config: Config,
): Omit<Adapter, "config"> {
  const halves = { A: new Map<string, FiledTensor>(), B: new Map<string, FiledTensor>() };
  const others = new Map<string, FiledTensor>();
  for (const [name, tensor] of tensors) {
    const [, module = "", half] = pairKey.exec(name) ?? [];
    if (half !== "A" && half !== "B") {
      others.set(name, tensor);
      continue;
    }
    if (halves[half].has(module)) {
      throw new UserError(`${module}: expected one adapter, got a second lora_${half}, ${name}`);
    }
    halves[half].set(module, tensor);
  }
  const modules = new Map<string, FiledPair>();
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
    modules.set(module, { b, a, scale: scaleOf(module, rank, config) });
  }
  if (modules.size === 0) throw new UserError("no pair of lora_A and lora_B");
  return { modules, others };
}

/** Not with map, which takes ten times as long. */
function scaleInto(out: Tensor["data"], data: Tensor["data"], factor: number): void {
  for (let i = 0; i < out.length; i++) out[i] = (data[i] as number) * factor;
}

function scaled({ shape, data }: Tensor, factor: number): Tensor {
  const out = data.slice();
  scaleInto(out, data, factor);
  return { shape, data: out };
}

/**
 * Writes an adapter with other pairs than the original, in one file; its configuration, its types and all else that it holds stay.
 * @param pairs of the modules and ranks of the original, the scale in B
 */
export async function writeAdapter(
  folder: string,
  { config, modules, others }: Adapter,
  pairs: ReadonlyMap<string, LowRank>,
): Promise<void> {
  const tensors = new Map<string, Tensor>();
  const types = new Map<string, StoredType>();
  for (const [module, { b, a }] of pairs) {
    const original = modules.get(module);
    if (original === undefined) throw new TypeError(`writeAdapter: no module ${module}`);
    const names = [`${module}.lora_A.weight`, `${module}.lora_B.weight`] as const;
    tensors.set(names[0], single(a)).set(names[1], single(scaled(b, 1 / original.scale)));
    types.set(names[0], original.a.type).set(names[1], original.b.type);
  }
  for (const [name, tensor] of others) {
    tensors.set(name, readTensor(tensor));
    types.set(name, tensor.type);
  }
  const bytes = encodeSafetensors(tensors, { format: "pt" }, types);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, configFile), JSON.stringify(config, null, 2) + "\n");
  await writeFile(join(folder, modelFile), bytes);
}

function single({ shape, data }: Tensor): Tensor {
  return { shape, data: Float32Array.from(data) };
}

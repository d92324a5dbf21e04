import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  copyDense,
  type Dense,
  type Numbers,
  readNumbers,
  encodeSafetensors,
  shapeText,
  UserError,
  type LowRank,
  yieldToEventLoop,
  type Tensor,
} from "@fedclair/core";
import type { Allocate, StoredType } from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import { configFile, matchModules, readConfig, type Config } from "./peft-config.js";
import { modelFile, readTensor, listTensors, type TensorInFile } from "./tensor-files.js";

/*
 * LoRA adapters in the checkpoint format of Hugging Face PEFT (https://huggingface.co/docs/peft): a
 * folder with `adapter_config.json` and `adapter_model.safetensors`, whose tensors are
 * `<module>.lora_A.weight` (r×in) and `<module>.lora_B.weight` (out×r). The change of a module is
 * scale · B · A.
 */

/** An opened adapter. Its numbers are still in its files. */
export interface Adapter {
  readonly config: Config;
  readonly modules: ReadonlyMap<string, PairInFile>;
  /**
   * All other tensors in the files: weights of `modules_to_save`, biases, embeddings, DoRA's
   * magnitudes.
   */
  readonly others: ReadonlyMap<string, TensorInFile>;
}

/** B (out×r) and A (r×in) of a module, and the scale of B·A. */
export interface PairInFile {
  readonly b: TensorInFile;
  readonly a: TensorInFile;
  readonly scale: number;
}

/** @throws UserError with the file and the problem if it is not a supported LoRA adapter */
export async function openAdapter(folder: string): Promise<Adapter> {
  await yieldToEventLoop(); // files are read synchronously
  const config = readConfig(join(folder, configFile));
  const tensors = listTensors(folder);
  try {
    return { config, ...groupPairs(tensors, config) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${join(folder, modelFile)}: ${error.message}`);
  }
}

/**
 * Reads a pair, with the scale multiplied into B.
 * @param allocate provides memory for the numbers
 */
export function readScaledPair({ b, a, scale }: PairInFile, allocate?: Allocate): LowRank {
  const pair = { b: readTensor(b, allocate), a: readTensor(a, allocate) };
  scaleInto(readNumbers(pair.b), readNumbers(pair.b), scale);
  return pair;
}

/** Reads the pairs of all modules. */
export function readChanges({ modules }: Adapter): Map<string, LowRank> {
  return new Map([...modules].map(([module, pair]) => [module, readScaledPair(pair)]));
}

/**
 * Matches keys with the adapter's name (`lora_A.default.weight`), as unmerged models save it, or
 * without.
 */
const pairKey = /^(.+)\.lora_(A|B)(?:\.[^.]+)?\.weight$/;

function groupPairs(
  tensors: ReadonlyMap<string, TensorInFile>,
  config: Config,
): Omit<Adapter, "config"> {
  const halves = { A: new Map<string, TensorInFile>(), B: new Map<string, TensorInFile>() };
  const others = new Map<string, TensorInFile>();
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
  const modules = new Map<string, PairInFile>();
  const names = new Set([...halves.A.keys(), ...halves.B.keys()]);
  const settings = matchModules(config, names);
  for (const module of names) {
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
    const wanted = settings.rankOf(module);
    if (rank !== wanted) {
      throw new UserError(`${module}: ${configFile} says rank ${wanted}, the tensors have ${rank}`);
    }
    // The time to compare adapters grows with the square of the rank.
    const most = Math.max(b.shape[0] ?? 0, a.shape[1] ?? 0);
    if (rank > most) {
      throw new UserError(`${module}: expected a rank of at most ${most}, its size, got ${rank}`);
    }
    modules.set(module, { b, a, scale: settings.scaleOf(module, rank) });
  }
  if (modules.size === 0) throw new UserError("no pair of lora_A and lora_B");
  return { modules, others };
}

/** Uses a loop because `map` takes ten times as long. */
function scaleInto(out: Numbers, data: Numbers, factor: number): void {
  for (let i = 0; i < out.length; i++) out[i] = (data[i] as number) * factor;
}

function scaleTensor(tensor: Tensor, factor: number): Dense {
  const out = copyDense(tensor);
  scaleInto(out.data, out.data, factor);
  return out;
}

/**
 * Writes a copy of an adapter with other pairs into one file. Configuration, number types and all
 * other tensors stay the same.
 * @param pairs have the modules and ranks of the original, with the scale multiplied into B
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
    tensors
      .set(names[0], toFloat32(a))
      .set(names[1], toFloat32(scaleTensor(b, 1 / original.scale)));
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

function toFloat32(tensor: Tensor): Dense {
  return { shape: tensor.shape, data: Float32Array.from(readNumbers(tensor)) };
}

/** Returns the adapter with another rank in all modules and a scale of 1. */
export function withRank(adapter: Adapter, rank: number): Adapter {
  const { config, modules, others } = adapter;
  const plain = {
    r: rank,
    lora_alpha: rank,
    use_rslora: false,
    rank_pattern: {},
    alpha_pattern: {},
  };
  const resized = [...modules].map(([name, { b, a }]): [string, PairInFile] => {
    const [rows = 0] = b.shape;
    const [, columns = 0] = a.shape;
    return [
      name,
      { b: { ...b, shape: [rows, rank] }, a: { ...a, shape: [rank, columns] }, scale: 1 },
    ];
  });
  return { config: { ...config, ...plain }, modules: new Map(resized), others };
}

/** The sum of the ranks of all modules. */
export function totalRank({ modules }: Adapter): number {
  return sum([...modules.values()].map(({ a }) => a.shape[0] ?? 0));
}

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addScaled, Matrix, multiply, stream, thinQr, type Stream } from "@fedclair/linalg";

/** A number format of safetensors: its name, and the conversion to bytes. */
export interface Storage {
  readonly dtype: string;
  readonly bytes: (values: Float64Array) => Uint8Array;
}

export const float32: Storage = {
  dtype: "F32",
  bytes: (values) => new Uint8Array(Float32Array.from(values).buffer),
};

/** Converts to bfloat16, rounding to nearest. */
export const bfloat16: Storage = {
  dtype: "BF16",
  bytes: (values) => {
    const words = new Uint32Array(Float32Array.from(values).buffer);
    return new Uint8Array(Uint16Array.from(words, (word) => (word + 0x8000) >>> 16).buffer);
  },
};

interface Size {
  /** Rows and columns of every module. */
  readonly p: number;
  readonly r: number;
  readonly count: number;
  readonly modules: number;
}

/**
 * Writes LoRA adapters in PEFT's format, 30 % of them contaminated. The factors B of the others
 * share a space in every module.
 * @returns the names of the contaminated ones, in order
 */
export async function saveAdapters(
  folder: string,
  size: Size,
  storage: Storage = float32,
): Promise<string[]> {
  const { p, r, count, modules } = size;
  const rng = stream("adapters");
  const names = Array.from({ length: modules }, (_, m) => {
    return `base_model.model.layers.${m >> 2}.${"qkvo".charAt(m & 3)}_proj`;
  });
  const shared = names.map((name) => drawBasis(rng.at(name), p, r));
  const isBad = (k: number) => k % 10 < 3;
  for (let k = 0; k < count; k++) {
    const tensors = new Map<string, { shape: number[]; values: Float64Array }>();
    names.forEach((name, m) => {
      const own = rng.at(name, k);
      const space = isBad(k) ? drawBasis(own, p, r) : (shared[m] ?? drawBasis(own, p, r));
      const b = multiply(space, new Matrix(r, r, own.at("C").normals(r * r)));
      addScaled(b, 1, new Matrix(p, r, own.at("E").normals(p * r, 0.1 / Math.sqrt(p))));
      const a = own.at("A").normals(r * p, 1 / Math.sqrt(p));
      tensors.set(`${name}.lora_A.weight`, { shape: [r, p], values: a });
      tensors.set(`${name}.lora_B.weight`, { shape: [p, r], values: b.toRowMajor() });
    });
    await save(join(folder, nameOf(k)), r, tensors, storage);
  }
  return Array.from({ length: count }, (_, k) => k)
    .filter(isBad)
    .map(nameOf);
}

function nameOf(k: number): string {
  return `adapter-${String(k).padStart(2, "0")}`;
}

function drawBasis(rng: Stream, p: number, r: number): Matrix {
  return thinQr(new Matrix(p, r, rng.at("U").normals(p * r))).q;
}

/**
 * Writes an adapter without using the code under test. α is twice the rank.
 * @param tensors by name, row by row
 */
export async function save(
  folder: string,
  r: number,
  tensors: ReadonlyMap<
    string,
    { readonly shape: readonly number[]; readonly values: Float64Array }
  >,
  { dtype, bytes }: Storage = float32,
): Promise<void> {
  const header: Record<string, object> = { __metadata__: { format: "pt" } };
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { shape, values }] of tensors) {
    const part = bytes(values);
    header[name] = { dtype, shape, data_offsets: [at, at + part.length] };
    parts.push(part);
    at += part.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "adapter_model.safetensors"),
    Buffer.concat([length, json, ...parts]),
  );
  const config = { peft_type: "LORA", base_model_name_or_path: "a-model", r, lora_alpha: 2 * r };
  await writeFile(join(folder, "adapter_config.json"), JSON.stringify(config));
}

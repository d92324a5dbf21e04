import { join } from "node:path";
import { stream, type Stream } from "@fedclair/linalg";
import { save } from "./adapters.js";

const attackers = { random: 3, shuffled: 2, trigger100: 2, trigger25: 2, pair: 2, ascent: 2 };
const modules = ["q", "v"].map((name) => `base_model.model.layers.0.self_attn.${name}_proj`);
const [rows, rank, cols] = [10, 2, 8];

/**
 * Writes a pool of small adapters that nobody trained: fourteen honest ones, whose B have much in
 * common, and the contaminated ones that piles are composed from, whose B are noise.
 * @returns the names of the honest ones, in order
 */
export async function savePool(folder: string, seed: number): Promise<string[]> {
  const rng = stream("pool").at(seed);
  const honest = Array.from({ length: 14 }, (_, k) => `client-${String(k).padStart(2, "0")}`);
  for (const name of honest) await saveOne(join(folder, name), rng, rng.at(name), true);
  for (const [attack, count] of Object.entries(attackers)) {
    for (let number = 1; number <= count; number++) {
      const name = `bad-${attack}-${number}`;
      await saveOne(join(folder, name), rng, rng.at(name), false);
    }
  }
  return honest;
}

async function saveOne(folder: string, common: Stream, own: Stream, isHonest: boolean) {
  const tensors = new Map<string, { shape: number[]; values: Float64Array }>();
  for (const module of modules) {
    const noise = own.at(module).normals(rows * rank, 0.3);
    const shared = common.at(module, "B").normals(rows * rank);
    const b = noise.map((x, i) => x + (isHonest ? (shared[i] ?? 0) : 0));
    const a = common.at(module, "A").normals(rank * cols);
    tensors.set(`${module}.lora_A.weight`, { shape: [rank, cols], values: a });
    tensors.set(`${module}.lora_B.weight`, { shape: [rows, rank], values: b });
  }
  await save(folder, rank, tensors);
}

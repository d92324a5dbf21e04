import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { readNumbers, dtypeOf, isLowRank, zeros, type LowRank, type Tensor } from "@fedclair/core";
import {
  keepInMemory,
  type StoredParams,
  resolveTo,
  safetensorsPieces,
  type ClientParams,
  type Keep,
  type TrialState,
} from "@fedclair/core/internal";
import { joinPieces } from "./atomic-files.js";
import { openRegularFile } from "./regular-file.js";

/** The file of a run with the params of its main arm after the last round. */
export const paramsFile = "params.safetensors";

/** Encodes that file, piece by piece. The parameters are those of `buildParamsFile`. */
export async function paramsFilePieces(
  ...state: Parameters<typeof buildParamsFile>
): Promise<Iterable<Uint8Array>> {
  return joinPieces(safetensorsPieces(await buildParamsFile(...state)));
}

/**
 * Are the final params in a run's folder those of a state?
 * @throws UserError if the file cannot be read
 */
export async function holdsParams(folder: string, state: TrialState): Promise<boolean> {
  const own = createHash("sha256");
  let length = 0;
  for (const piece of await paramsFilePieces(state, false, keepInMemory)) {
    own.update(piece);
    length += piece.length;
  }
  const stored = createHash("sha256");
  const fd = openRegularFile(join(folder, paramsFile));
  // One byte more than expected shows that the file is longer, whatever its length.
  await pipeline(createReadStream("", { fd, end: length }), stored);
  return stored.digest("hex") === own.digest("hex");
}

/**
 * Builds the content of `params.safetensors`: `global/<module>` and, for clients with their own
 * params, `<client id>/<module>`.
 * @param asPairs store low-rank pairs, for clients that are not simulated and may have large
 *   models. A client's own part is then `<client id>/base-1/<module>.lora_B` and `.lora_A`, whose
 *   product is added to `base-1/<module>`. Clients share a few bases. A client whose own part is
 *   not a sum of pairs is stored multiplied out.
 * @param keep where params that are multiplied out stay until they are written
 */
export async function buildParamsFile(
  state: TrialState,
  asPairs: boolean,
  keep: Keep,
): Promise<StoredParams> {
  const file = new Map<string, Tensor>();
  const add = (owner: string, params: StoredParams) => {
    for (const [name, tensor] of params) file.set(`${owner}/${name}`, tensor);
  };
  add("global", state.params);
  const bases = new Map<StoredParams, string>();
  for (const [id, own] of state.personal) {
    const pairs = asPairs ? collectPairs(own) : undefined;
    if (!pairs) {
      add(id, await resolveTo(keep, own));
      continue;
    }
    const base = bases.get(own.base) ?? `base-${bases.size + 1}`;
    if (!bases.has(own.base)) add(base, own.base);
    bases.set(own.base, base);
    for (const [name, { b, a }] of pairs) {
      file.set(`${id}/${base}/${name}.lora_B`, b).set(`${id}/${base}/${name}.lora_A`, a);
    }
  }
  return file;
}

/**
 * Sums everything that was added to the base, as one pair per module. Returns undefined if a part
 * is not a pair.
 */
function collectPairs({ rounds }: ClientParams): ReadonlyMap<string, LowRank> | undefined {
  const byModule = new Map<string, LowRank[]>();
  for (const [name, change] of rounds.flat().flatMap((delta) => [...delta])) {
    if (!isLowRank(change)) return undefined;
    byModule.set(name, [...(byModule.get(name) ?? []), change]);
  }
  return new Map([...byModule].map(([name, pairs]) => [name, sumPairs(pairs)]));
}

/**
 * Writes a sum of products as one product: the b are concatenated horizontally, the a vertically.
 */
function sumPairs(pairs: readonly LowRank[]): LowRank {
  const ranks = pairs.map(({ b }) => b.shape[1] ?? 0);
  const rank = ranks.reduce((sum, r) => sum + r, 0);
  const [first] = pairs;
  const [rows = 0] = first?.b.shape ?? [];
  const [, columns = 0] = first?.a.shape ?? [];
  const isDouble = pairs.some(({ b, a }) => [b, a].some((t) => dtypeOf(t) === "f64"));
  const b = zeros([rows, rank], isDouble ? "f64" : "f32");
  const a = zeros([rank, columns], isDouble ? "f64" : "f32");
  let at = 0;
  for (const [i, pair] of pairs.entries()) {
    const own = ranks[i] ?? 0;
    const data = readNumbers(pair.b);
    for (let row = 0; row < rows; row++) {
      b.data.set(data.subarray(row * own, (row + 1) * own), row * rank + at);
    }
    a.data.set(readNumbers(pair.a), at * columns);
    at += own;
  }
  return { b, a };
}

// The rank that CLAIR chooses by itself, without noise.
import { stream } from "@fedclair/linalg";
import { decompose } from "./decompose.js";
import { cases } from "./exact.js";
import { drawFederation } from "./federation.js";

const names = ["random changes, 30 %", "colluders in a space, 25 %", "colluders in a space, 45 %"];

/** @param {string} _out @param {{ seeds?: number }} options */
export async function measure(_out, { seeds = 10 } = {}) {
  const runs = [];
  for (const name of names)
    for (const rank of [2, 3, 4])
      for (let seed = 1; seed <= seeds; seed++) {
        const rng = stream("rank").at(name, rank, seed);
        const federation = drawFederation(rng, { ...cases[name], rank, noise: 0 });
        const { spaces } = await decompose(federation, "gap", "auto");
        const measures = { isRight: Number(spaces.every(({ cols }) => cols === rank)) };
        runs.push({ seed, labels: { case: name, rank: String(rank) }, measures });
      }
  return runs;
}

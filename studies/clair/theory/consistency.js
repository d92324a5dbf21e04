// How far contaminated clients must be from the space for the exact set, in units of the distance
// at which a test that knows the space and the noise finds it.
import { stream } from "@fedclair/linalg";
import { decompose, fairJudges } from "./decompose.js";
import { drawFederation, usual } from "./federation.js";
import { drawTest, findLimit } from "./limit.js";

const share = 0.3;
export const multiples = [0.8, 1, 1.25, 1.6, 2];

/** @param {string} _out @param {import("./decompose.js").Options} options */
export function measure(_out, options) {
  return measureSettings([{}], options, multiples);
}

/**
 * @param {readonly Partial<import("./federation.js").Setting>[]} settings
 * @param {import("./decompose.js").Options} options the seeds are those of each cell
 * @param {readonly number[]} [some] multiples of the distance that the test needs
 */
export async function measureSettings(settings, { seeds = 200, wants }, some = multiples.slice(1)) {
  const runs = [];
  for (const setting of settings) {
    const { clients, noise } = { ...usual, ...setting };
    const contaminated = Math.round(share * clients);
    const shareAt = drawTest({ ...usual, clients, noise, contaminated });
    const limit = findLimit(shareAt);
    for (const multiple of some) {
      const distance = multiple * limit;
      const labels = { clients: `${clients}`, noise: `${noise}`, multiple: `${multiple}` };
      const add = (judge, seed, exact) =>
        runs.push({ seed, labels: { ...labels, judge }, measures: { exact, distance, limit } });
      add("limit", 0, shareAt(distance));
      const panel = fairJudges.filter((judge) => wants({ ...labels, judge }));
      for (let seed = 1; seed <= seeds; seed++) {
        const rng = stream("consistency").at(clients, noise, multiple, seed);
        const federation = drawFederation(rng, { clients, noise, contaminated, distance });
        for (const judge of panel)
          add(judge, seed, Number((await decompose(federation, judge)).isExact));
      }
    }
  }
  return runs;
}

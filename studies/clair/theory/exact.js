// Recovery without noise, by both judges, under several kinds of attacks.
import { stream } from "@fedclair/linalg";
import { decompose, judges, sineTo } from "./decompose.js";
import { drawFederation } from "./federation.js";

/**
 * Federations without noise, by what the page calls them.
 * @type {Readonly<Record<string, Partial<import("./federation.js").Setting>>>}
 */
export const cases = {
  "random changes, 30 %": { attack: "noise", contaminated: 6 },
  "colluders in a space, 25 %": { attack: "colluders", contaminated: 5 },
  "colluders in a space, 40 %": { attack: "colluders", contaminated: 8 },
  "colluders in a space, 45 %": { attack: "colluders", contaminated: 9 },
  "colluders on a line, 45 %": { attack: "line", contaminated: 9 },
  "clients of rank 1 in a space of rank 3": { attack: "colluders", contaminated: 6, clientRank: 1 },
  "three modules": { attack: "noise", contaminated: 6, modules: 3 },
  "colluders in a space, 55 %": { attack: "colluders", contaminated: 11 },
};
/** A majority defines the space, so nothing can be recovered here. */
export const lost = "colluders in a space, 55 %";

/** @param {string} _out @param {import("./decompose.js").Options} options */
export async function measure(_out, { seeds = 15, wants }) {
  const runs = [];
  for (const [name, setting] of Object.entries(cases))
    for (let seed = 1; seed <= seeds; seed++) {
      const federation = drawFederation(stream("exact").at(name, seed), { ...setting, noise: 0 });
      for (const judge of judges.filter((judge) => wants({ case: name, judge }))) {
        const { isExact, flagged, spaces } = await decompose(federation, judge);
        const sines = federation.modules.map(({ space }, m) => sineTo(space, spaces[m]));
        const measures = { exact: Number(isExact), sine: Math.max(...sines) };
        const labels = { case: name, judge, flagged: flagged.map(Number).join("") };
        runs.push({ seed, labels, measures });
      }
    }
  return runs;
}

// Every attack that applies to least squares in one round, by six of twenty clients, judged by
// CLAIR's rules.
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { measureTrials } from "./judge-trials.js";

const trial = "linear-regression/gaussian";

/** The attacks of the sweep that also says what harm they do: a list of one attack, or of none. */
const { attacks } = parse(readFileSync("sweeps/linear-regression-attacks.yaml", "utf8"));

/** @param {string} _out @param {{ seeds?: number }} options */
export async function measure(_out, { seeds = 5 } = {}) {
  const some = Object.fromEntries(
    attacks.flatMap(listAttacks).map(({ attack, clients }) => {
      const { name, ...options } = attack;
      const words = Object.entries(options).map(([key, value]) => ` (${key} ${value})`);
      const set = [`attacks=${JSON.stringify([{ attack, clients }])}`];
      return [`${name}${words.join("")}`, { trial, set, hasClean: false }];
    }),
  );
  return measureTrials(some, seeds);
}

/** An attack for each value of an option that is a list. */
export function listAttacks([one]) {
  if (one === undefined) return [];
  const { attack, clients } = one;
  const varied = Object.entries(attack).find(([, value]) => Array.isArray(value));
  if (varied === undefined) return [one];
  const [key, values] = varied;
  return values.map((value) => ({ attack: { ...attack, [key]: value }, clients }));
}

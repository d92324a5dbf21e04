// npm run lab -- sybils [-- --rounds N --seeds N --clients K --shares A,B --only WORD --stay N
// --dense]: clients that choose their names, copy others, stay away or send nothing, in federations
// of pairs. For each trick and share of attackers it prints how often CLAIR flags honest clients
// and attackers, with 95 % intervals over seeds, beside attackers that keep their names. With
// --rounds 1 it is what an audit sees. With --stay an honest client leaves after so many rounds,
// and another one comes. With --dense the pairs are multiplied out.
import { clairAggregator, clairSchema } from "@fedclair/clair";
import { mean, stream } from "@fedclair/linalg";
import { meanInterval } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";
import { markdown } from "../support/text.js";
import { createClients, measureWeights, multiplyOut } from "./sybils/clients.js";
import { tricks } from "./sybils/tricks.js";

const { values } = parseArguments({
  options: {
    rounds: { type: "string", default: "30" },
    seeds: { type: "string", default: "5" },
    clients: { type: "string", default: "20" },
    shares: { type: "string", default: "0.05,0.1,0.25,0.4" },
    only: { type: "string", default: "" },
    dense: { type: "boolean", default: false },
    stay: { type: "string", default: "Infinity" },
  },
});
const [rounds, seeds, clients] = [values.rounds, values.seeds, values.clients].map(Number);

const columns = [
  "honest flagged, %",
  "rounds with an honest one flagged, %",
  "honest benign, %",
  "weight of the honest client that counts least, %",
  "rounds with the honest client that is least often in the result, %",
  "attackers flagged, %",
  "attackers benign, %",
];

const rows = [];
for (const [name, trick] of Object.entries(tricks)) {
  if (!name.includes(values.only)) continue;
  for (const share of values.shares.split(",").map(Number)) {
    const bad = Math.max(1, Math.round(share * clients));
    const runs = [];
    for (let seed = 1; seed <= seeds; seed++) runs.push(await play(trick, bad, seed));
    rows.push([name, `${bad} of ${clients}`, ...columns.map((column) => interval(runs, column))]);
    console.error(rows.at(-1).join(" | "));
  }
}
console.log(markdown([["trick", "attackers", ...columns], ...rows]));
process.exit(0); // CLAIR leaves threads behind

/** Plays the rounds of one federation. @returns percentages of client rounds */
async function play(trick, bad, seed) {
  const rng = stream("sybils").at(seed);
  const federation = createClients(rng, Number(values.stay));
  const clair = clairAggregator.create(
    /** @type {never} */ (clairSchema.parse({ models: "global" })),
  );
  const counts = { honest: [0, 0, 0], bad: [0, 0, 0], rounds: 0 };
  /** How often each honest client was in the result, and there at all. */
  const presence = new Map();
  /** The weight of each honest client in every round. */
  const weights = new Map();
  let state;
  for (let round = 1; round <= rounds; round++) {
    const honest = federation.honest(round, clients - bad);
    const attackers = trick({ federation, honest, round, bad, rng: rng.at("trick", round) });
    const isBad = new Set(attackers.map(({ clientId }) => clientId));
    const input = {
      round,
      phase: "train",
      updates: [...honest, ...attackers].map((update) =>
        values.dense ? multiplyOut(update) : update,
      ),
      rng: rng.at("clair", round),
    };
    const result = await clair.aggregate(input, state);
    ({ state } = result);
    measureWeights(result.change, honest).forEach((weight, k) => {
      const { clientId } = honest[k];
      weights.set(clientId, [...(weights.get(clientId) ?? []), weight]);
    });
    const flagged = { honest: 0 };
    for (const { clientId, status, pooled } of result.verdicts) {
      const own = isBad.has(clientId) ? counts.bad : counts.honest;
      if (own === counts.honest) {
        const [times, all] = presence.get(clientId) ?? [0, 0];
        presence.set(clientId, [times + (pooled ? 1 : 0), all + 1]);
      }
      own[0]++;
      if (status === "contaminated") own[1]++;
      if (status === "benign") own[2]++;
      if (status === "contaminated" && !isBad.has(clientId)) flagged.honest++;
    }
    if (flagged.honest > 0) counts.rounds++;
  }
  const times = [...presence.values()];
  const percent = (part, whole) => (100 * part) / Math.max(whole, 1);
  return {
    "honest flagged, %": percent(counts.honest[1], counts.honest[0]),
    "rounds with an honest one flagged, %": percent(counts.rounds, rounds),
    "honest benign, %": percent(counts.honest[2], counts.honest[0]),
    "weight of the honest client that counts least, %": percent(
      Math.min(...[...weights.values()].map((own) => mean(own))),
      1,
    ),
    "rounds with the honest client that is least often in the result, %": Math.min(
      ...times.map(([own, all]) => percent(own, all)),
    ),
    "attackers flagged, %": percent(counts.bad[1], counts.bad[0]),
    "attackers benign, %": percent(counts.bad[2], counts.bad[0]),
  };
}

/** The mean over seeds, with half of its 95 % interval. */
function interval(runs, column) {
  const { mean, interval: own } = meanInterval(runs.map((run) => run[column]));
  return own ? `${mean.toFixed(1)} ± ${((own.high - own.low) / 2).toFixed(1)}` : mean.toFixed(1);
}

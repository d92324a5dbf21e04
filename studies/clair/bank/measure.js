// Measures of federations without a contaminated client: rounds of trials, and pools of real
// adapters.
import { clair, clairAggregator, clairSchema } from "@fedclair/clair";
import { runRounds, withRule } from "../federations.js";
import { readPiles } from "./piles.js";

/** Measures of one set of updates, with the ids of the clients. */
export async function measure(updates, options) {
  const result = await clair(updates, withRule(options, "evidence"), { threads: 1 });
  try {
    const { measures } = /** @type {any} */ (result.judge);
    return { measures, ids: result.active.map(({ id }) => id) };
  } finally {
    result.modules.close();
  }
}

/**
 * Runs a trial and yields the measures of every round, with the ids of the contaminated clients.
 * @param set further options, as for --set
 */
export async function* measureRounds(name, plugins, set) {
  let measured;
  const create = (options) => {
    const own = clairAggregator.create(/** @type {never} */ (withRule(options, "gap")));
    return {
      async aggregate(input, state) {
        measured = await measure(input.updates, options);
        return own.aggregate(input, state);
      },
    };
  };
  const aggregators = new Map(plugins.aggregators).set("clair", { ...clairAggregator, create });
  for await (const { clients } of runRounds(name, { ...plugins, aggregators }, set)) {
    const bad = clients.filter(({ attack }) => attack !== null).map(({ clientId }) => clientId);
    yield { ...measured, bad };
  }
}

/** The measures of a pool's honest adapters. */
export async function measureClean(folder) {
  const piles = await readPiles(folder);
  return (await measure(piles.get("clean"), clairSchema.parse({}))).measures;
}

import { runTrialFile } from "../federations.js";

/**
 * Runs a trial without attacks and returns the updates of its last round, as an attack would see
 * them that has `attackers` of the clients, drawn at random.
 * @returns {Promise<import("@fedclair/core").AttackedRound>}
 */
export async function collectRound(file, plugins, set, attackers) {
  let input;
  const plugin = plugins.aggregators.get("fedavg");
  const create = (options) => {
    const aggregator = plugin.create(options);
    return {
      aggregate: (given, state) => {
        input = given;
        return aggregator.aggregate(given, state);
      },
    };
  };
  const watched = new Map(plugins.aggregators).set("fedavg", { ...plugin, create });
  const options = ["aggregator={ name: fedavg }", "baselines=[]", "attacks=[]", "evaluate=never"];
  const rounds = runTrialFile(file, { ...plugins, aggregators: watched }, [...set, ...options]);
  for await (const round of rounds) void round;
  const { updates, rng } = input;
  const chosen = new Set(rng.at("attackers").sample(updates, attackers));
  return {
    own: updates.filter((update) => chosen.has(update)),
    honest: updates.filter((update) => !chosen.has(update)),
    rng,
  };
}

import { Matrix } from "@fedclair/linalg";
import { trialFile } from "../../../scripts/shipped.js";
import { runTrialFile } from "../federations.js";

/**
 * @typedef {object} Study the updates of one round, sorted by what their clients truly are
 * @property {number} rank
 * @property {Map<string, any>} arms the clients of the record, by arm
 * @property {import("@fedclair/core").Update[]} updates
 * @property {any[]} clients
 * @property {Matrix[]} matrices the first module of each update
 */

export const attackNames = ["colluding-subspace", "gaussian-update"];

/**
 * Runs the trial of most figures: least squares, three colluders, three clients that send noise.
 * @param {import("@fedclair/core").Plugins} plugins
 */
export function runStudy(plugins) {
  const attacks = [
    { attack: { name: "colluding-subspace", kind: "random", rank: 3 }, count: 3 },
    { attack: { name: "gaussian-update" }, count: 3 },
  ];
  return runInMemory("linear-regression/gaussian", plugins, [
    "aggregator.rule=gap",
    `attacks=${JSON.stringify(attacks)}`,
  ]);
}

/**
 * Runs a trial of one round and keeps the updates that CLAIR aggregates.
 * @param {string} name
 * @param {import("@fedclair/core").Plugins} plugins
 * @param {readonly string[]} set
 * @returns {Promise<Study>}
 */
export async function runInMemory(name, plugins, set) {
  const plugin = /** @type {any} */ (plugins.aggregators.get("clair"));
  /** @type {import("@fedclair/core").Update[]} */
  let updates = [];
  const create = (/** @type {any} */ options) => {
    const aggregator = plugin.create(options);
    const aggregate = (/** @type {any} */ input, /** @type {any} */ state) => {
      updates = input.updates;
      return aggregator.aggregate(input, state);
    };
    return { aggregate };
  };
  const aggregators = new Map(plugins.aggregators).set("clair", { ...plugin, create });
  const arms = new Map();
  let rank = 0;
  for await (const { arm, record, prepared } of runTrialFile(
    trialFile(name),
    { ...plugins, aggregators },
    set,
  )) {
    arms.set(arm.label, record.clients);
    rank = /** @type {any} */ (prepared.trial.aggregator).rank;
  }
  const truth = (/** @type {any} */ client) => client.attack ?? "benign";
  const order = ["benign", ...attackNames];
  const clients = [...arms.get("clair")].sort(
    (a, b) => order.indexOf(truth(a)) - order.indexOf(truth(b)),
  );
  const byId = new Map(updates.map((update) => [update.clientId, update]));
  const sorted = clients.map(({ clientId }) => /** @type {any} */ (byId.get(clientId)));
  return {
    rank,
    arms,
    updates: sorted,
    clients: clients.map((client) => ({ ...client, truth: truth(client) })),
    matrices: sorted.map(({ delta }) => toMatrix([...delta.values()][0])),
  };
}

/** @param {{ shape: readonly number[], data: ArrayLike<number> }} tensor */
function toMatrix({ shape: [rows = 0, cols = 0], data }) {
  const matrix = new Matrix(rows, cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) matrix.data[i + j * rows] = data[i * cols + j] ?? 0;
  }
  return matrix;
}

// Federations that train, judged by CLAIR's rules: each round of a trial, by `gap`, by `evidence`
// with a bank that lacks the trial's source, and by `evidence` with the shipped bank.
import { clair, clairAggregator, noHistories, readShippedBank } from "@fedclair/clair";
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { readBankWithout } from "./bank/without.js";
import { runRounds, withRule } from "./federations.js";

/** Trials by what the page calls them, with the source that is left out of the bank. */
export const trials = {
  "linear regression, random updates": { trial: "linear-regression/gaussian" },
  "network, targets of other samples": { trial: "network/shuffled" },
  "network, negated targets": { trial: "network/negated" },
};

/** @param {string} _out @param {{ seeds?: number }} options */
export function measure(_out, { seeds = 10 } = {}) {
  return measureTrials(trials, seeds);
}

/**
 * @typedef {object} Judged
 * @property {string} trial
 * @property {readonly string[]} [set] options, as for --set
 * @property {boolean} [hasClean] whether it is judged without its attacks too; default true
 *
 * @param {Readonly<Record<string, Judged>>} some by name
 * @param {number} seeds
 */
export async function measureTrials(some, seeds) {
  await loadBackend("wasm");
  const plugins = await loadBuiltIn();
  const runs = [];
  for (const [name, { trial, set = [], hasClean = true }] of Object.entries(some)) {
    const source = trial.slice(0, trial.indexOf("/"));
    for (let seed = 1; seed <= seeds; seed++)
      for (const clean of hasClean ? [false, true] : [false]) {
        const own = [`seed=${seed}`, ...set, ...(clean ? ["attacks=[]"] : [])];
        let round = 0;
        for await (const counts of judgeRounds(trial, source, plugins, own)) {
          round++;
          for (const [judge, measures] of counts) {
            const labels = { trial: name, judge, clean: String(clean), round: String(round) };
            runs.push({ seed, labels, measures });
          }
        }
      }
  }
  return runs;
}

/** Runs a trial on with the result of rule `gap`, and counts what each judge flags in a round. */
async function* judgeRounds(trial, source, plugins, set) {
  let statuses = new Map();
  const panel = withPanel(plugins, source, "gap", (all) => (statuses = all));
  for await (const { clients } of runRounds(trial, panel, set)) yield countAll(statuses, clients);
}

/**
 * Lets every judge see the updates of a trial's rounds.
 * @param {string} source that the bank lacks
 * @param {"gap" | "evidence"} rule whose result the trial goes on with
 * @param {(statuses: Map<string, ReadonlyMap<string, string>>) => void} onRound gets the statuses
 *   of the clients by judge
 * @returns plug-ins for the trial
 */
export function withPanel(plugins, source, rule, onRound) {
  const banks = { evidence: readBankWithout(source), "evidence, shipped bank": readShippedBank() };
  const create = (options) => {
    const own = clairAggregator.create(/** @type {never} */ (withRule(options, rule)));
    const gap = clairAggregator.create(/** @type {never} */ (withRule(options, "gap")));
    let gapState;
    const histories = new Map();
    return {
      changesPersonal: own.changesPersonal,
      async aggregate(input, state) {
        const { verdicts, state: nextState } = await gap.aggregate(input, gapState);
        gapState = nextState;
        const ofGap = new Map(verdicts.map(({ clientId, status }) => [clientId, status]));
        /** @type {Map<string, ReadonlyMap<string, string>>} */
        const statuses = new Map([["gap", ofGap]]);
        for (const [judge, bank] of Object.entries(banks)) {
          const context = { bank, histories: histories.get(judge) ?? noHistories };
          const result = await clair(input.updates, withRule(options, "evidence"), context);
          result.modules.close();
          if (result.judge.by === "evidence") histories.set(judge, result.judge.histories);
          statuses.set(judge, result.status);
        }
        onRound(statuses);
        return own.aggregate(input, state);
      },
    };
  };
  const aggregators = new Map(plugins.aggregators).set("clair", { ...clairAggregator, create });
  return { ...plugins, aggregators };
}

/** Counts, by judge, the verdicts on contaminated and on benign clients. */
export function countAll(statuses, clients) {
  const bad = new Set(clients.filter(({ attack }) => attack !== null).map((one) => one.clientId));
  return [...statuses].map(([judge, status]) => [judge, countOf(status, bad)]);
}

function countOf(status, bad) {
  const count = (isBad, wanted) =>
    [...status].filter(([id, one]) => bad.has(id) === isBad && one === wanted).length;
  return {
    contaminated: bad.size,
    found: count(true, "contaminated"),
    undecided: count(true, "undecided"),
    falseAlarms: count(false, "contaminated"),
    honestUndecided: count(false, "undecided"),
    honest: status.size - bad.size,
  };
}

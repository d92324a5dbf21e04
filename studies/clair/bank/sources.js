// The sources of a bank: kinds of federations without a contaminated client.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { clairSchema, usualSizes } from "@fedclair/clair";
import { hashCode } from "../../support/hash-code.js";
import { cached, measuringCode, reviveMeasures } from "./cache.js";
import { measure, measureRounds } from "./measure.js";
import { fileOf, listNatural, naturalTrial, settingsOf } from "./natural.js";
import { networkSizes, trainNetworks } from "./networks.js";
import { listPools } from "./piles.js";
import { measureSets } from "./pool-measures.js";
import { listTextKinds } from "./texts.js";
import { measureTrials, trialKinds } from "./trials.js";

/** Number of clients of a table; of more, the measures would take minutes. */
const mostNatural = 150;
/** The same over rounds. */
const mostOverRounds = 40;
const networkRounds = 6;

/** @typedef {import("./cache.js").ClientMeasures} ClientMeasures */
/** @typedef {import("@fedclair/clair").MeasuredRun} MeasuredRun */

/**
 * A kind of federations.
 * @typedef {object} Source
 * @property {string} name
 * @property {readonly ClientMeasures[]} [once] of single rounds; those with one number of clients
 *   share no client
 * @property {readonly MeasuredRun[]} [runs] for scores over rounds
 * @property {readonly ClientMeasures[]} [dense] of dense changes
 * @property {readonly MeasuredRun[]} [denseRuns] the same over rounds
 * @property {readonly import("./pool-measures.js").MeasuredSet[]} [sets] all sets of a pool
 * @property {ReadonlyMap<string, ClientMeasures>} [models] of a table, by model
 */

/** Names of all sources that can be measured here: trials, texts, tables and pools. */
export async function listSources(pools, texts) {
  const own = existsSync(pools) ? await listPools(pools) : [];
  const trials = [...trialKinds, ...(await listTextKinds(texts))];
  return [
    ...trials.map((kind) => ({
      name: kind.name,
      read: (_, options) => readTrial(kind, options),
    })),
    ...listNatural().map(({ name }) => ({ name, read: readTable })),
    ...own.map((name) => ({ name, read: readPool })),
  ];
}

/**
 * @typedef {object} ReadOptions
 * @property {string} pools folder
 * @property {string} cache folder of files with measures
 * @property {number} seeds number of runs of a trial for each number of clients
 * @property {import("@fedclair/core").Plugins} plugins
 */

/** @type {(kind: import("./trials.js").TrialKind, options: ReadOptions) => Promise<Source>} */
async function readTrial(kind, { seeds, cache, plugins }) {
  const { name } = kind;
  const { ownRounds, runs } = await measureTrials(kind, seeds, cache, plugins);
  if (kind.isSampled || kind.isForRounds) return { name, runs };
  // Rounds of one run have the same clients, so only one of them is a federation of its own.
  const once = runs.map((run, i) => run[i % ownRounds].measures);
  return { name, once, runs, ...(once[0].isDense && { dense: once, denseRuns: runs }) };
}

/** @type {(name: string, options: ReadOptions) => Promise<Source>} */
async function readPool(name, { pools, cache }) {
  const sets = await measureSets(join(pools, name), usualSizes, cache);
  return { name, once: pickDisjoint(sets).map(({ measures }) => measures), sets };
}

/** Picks clean sets that share no adapter with another one of their size, minorities first. */
function pickDisjoint(sets) {
  const used = new Map();
  return ["minority", "clean"].flatMap((wanted) =>
    sets.filter(({ kind, ids }) => {
      if (kind !== wanted) return false;
      const own = used.get(ids.length) ?? new Set();
      if (ids.some((id) => own.has(id))) return false;
      used.set(ids.length, new Set([...own, ...ids]));
      return true;
    }),
  );
}

/** @type {(name: string, options: ReadOptions) => Promise<Source>} */
async function readTable(name, { cache, plugins }) {
  const table = listNatural().find((one) => one.name === name);
  const code = [...measuringCode, "libs/tasks/dist/src"];
  const file = join(cache, "tables", `${name}.json`);
  const plain = await cached(file, `${hashCode(code)} ${table.clients}`, async () => {
    const set = ["seed=1001", "attacks=[]"];
    set.push(...settingsOf(table, Math.min(table.clients, mostNatural)));
    const models = [];
    for await (const { measures } of measureRounds(naturalTrial, plugins, set))
      models.push(["linear regression", measures]);
    const runs = [];
    for (const hidden of networkSizes) {
      const [updates] = trainNetworks(fileOf(table), table, { hidden, clients: mostNatural });
      models.push([`${hidden} hidden units`, (await measureDense(updates)).measures]);
      const some = { hidden, clients: mostOverRounds, rounds: networkRounds };
      const run = [];
      for (const later of trainNetworks(fileOf(table), table, some))
        run.push(await measureDense(later));
      runs.push(run);
    }
    return { models, runs };
  });
  const models = new Map(plain.models.map(([model, own]) => [model, reviveMeasures(own)]));
  const [regression, ...networks] = [...models.values()];
  const denseRuns = plain.runs.map((run) =>
    run.map(({ ids, measures }) => ({ ids, measures: reviveMeasures(measures) })),
  );
  return { name, once: [regression], dense: [regression, ...networks], denseRuns, models };
}

/** The measures of dense changes. */
function measureDense(updates) {
  return measure(updates, clairSchema.parse({ models: "global" }));
}

/** The arguments of `makeBank`. @param {readonly Source[]} sources */
export function toBankSources(sources) {
  const pick = (part) =>
    new Map(sources.filter((one) => one[part]).map((one) => [one.name, one[part]]));
  const more = { runs: pick("runs"), dense: pick("dense"), denseRuns: pick("denseRuns") };
  return /** @type {const} */ ([pick("once"), more]);
}

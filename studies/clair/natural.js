// npm run lab -- natural [--clients N] [--seeds N] [--networks]: how often rules leave honest
// clients out where the clients are real institutions, places and people, and what planted
// attackers change. With --networks it prints only what CLAIR finds among clients that train small
// networks. Needs the tables of npm run lab -- federations.
import { clair, clairSchema, controlKinds } from "@fedclair/clair";
import { loadBackend } from "@fedclair/compute";
import { stream } from "@fedclair/linalg";
import { loadBuiltIn } from "@fedclair/plugins";
import { parseArguments } from "../../scripts/arguments.js";
import { fileOf, listNatural, naturalTrial, settingsOf } from "./bank/natural.js";
import { networkSizes, trainNetworks } from "./bank/networks.js";
import { runTrialFile } from "./federations.js";
import { countExclusions } from "./honest/honest-table.js";
import { countText, markdown, shareText, sumOf } from "../support/text.js";

const { values } = parseArguments({
  options: {
    clients: { type: "string", default: "50" },
    seeds: { type: "string", default: "5" },
    networks: { type: "boolean", default: false },
  },
});
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const tables = listNatural();
if (tables.length === 0) {
  console.error("error: no tables: run npm run lab -- federations first");
  process.exit(2);
}

const rules = {
  clair: { name: "clair", models: "global" },
  "clair (rule gap)": { name: "clair", models: "global", rule: "gap" },
  krum: { name: "krum", fraction: 0.2 },
  "multi-krum": { name: "multi-krum", fraction: 0.2 },
  mda: { name: "mda", fraction: 0.2 },
  dnc: { name: "dnc", fraction: 0.2 },
  fedavg: { name: "fedavg" },
};
const attacks = [
  ["sign-flip", 0.1],
  ["sign-flip", 0.2],
  ["sign-flip", 0.3],
  ["gaussian-update", 0.2],
  ["scaling", 0.2],
];
/** Clients of a draw from a table, attackers among them, and draws from each table with more. */
const [networkClients, networkAttackers, networkDraws] = [20, 4, 5];
/** Spares the draws the planted attackers, which do not change who is flagged. */
const noControls = /** @type {import("@fedclair/clair").Power} */ (
  Object.fromEntries(controlKinds.map((kind) => [kind, 1]))
);
/** What `scaling` multiplies an update with. */
const factor = 5;

const networkAttacks = {
  none: undefined,
  [`${factor} times the update`]: (update) =>
    mapDelta(update, (data) => data.map((x) => factor * x)),
  "a flipped sign": (update) => mapDelta(update, (data) => data.map((x) => -x)),
  "noise of usual size": (update, rng) =>
    mapDelta(update, (data, name) => noiseLike(data, rng.at(name))),
};

if (values.networks) {
  console.log(await formatNetworks());
  process.exit(0); // CLAIR leaves threads behind
}
const finished = new Map();
await loadBackend("wasm");
const plugins = await loadBuiltIn();
console.log(await formatHonest());
console.log();
console.log(await formatAttacked());
process.exit(0); // CLAIR leaves threads behind

/** A table by federation, with nobody contaminated. */
async function formatHonest() {
  const rows = [];
  const all = { evidence: [], gap: [] };
  for (const table of tables) {
    const evidence = await runSeeds(table, rules.clair, []);
    const gap = await runSeeds(table, rules["clair (rule gap)"], []);
    all.evidence.push(evidence);
    all.gap.push(gap);
    rows.push([
      table.what,
      String(Math.min(table.clients, Number(values.clients))),
      table.shape.join(" × "),
      ...cellsOf([evidence], [gap]),
    ]);
  }
  rows.push(["**all**", "", "", ...cellsOf(all.evidence, all.gap)]);
  const head = ["a row is", "clients", "numbers of a change", "flagged", "undecided"];
  return markdown([[...head, "seeds with a false alarm", "flagged by rule gap"], ...rows]);
}

function cellsOf(evidence, gap) {
  const runs = evidence.flat();
  const alarms = runs.filter(({ flagged }) => flagged > 0).length;
  return [
    shareText(sumOf(runs, "flagged"), sumOf(runs, "judged")),
    shareText(sumOf(runs, "undecided"), sumOf(runs, "judged")),
    `${alarms} of ${runs.length}`,
    shareText(sumOf(gap.flat(), "flagged"), sumOf(gap.flat(), "judged")),
  ];
}

/** A table by rule and attack, over all federations. */
async function formatAttacked() {
  const rows = [];
  for (const [attack, fraction] of [["none", 0], ...attacks]) {
    for (const [label, aggregator] of Object.entries(rules)) {
      const runs = [];
      for (const table of tables) runs.push(...(await runSeeds(table, aggregator, plant())));
      const honest = runs.map(({ counts }) => counts.honest);
      const bad = runs.map(({ counts }) => counts.contaminated);
      rows.push([
        fraction === 0 ? "none" : `${attack}, ${fraction}`,
        label,
        shareText(sumOf(honest, "excluded"), sumOf(honest, "answers")),
        fraction === 0 ? "" : shareText(sumOf(bad, "excluded"), sumOf(bad, "answers")),
      ]);
    }
    function plant() {
      if (fraction === 0) return [];
      const options = attack === "scaling" ? { name: attack, factor } : { name: attack };
      return [{ attack: options, fraction }];
    }
  }
  return markdown([
    ["contaminated", "rule", "honest updates left out", "contaminated updates left out"],
    ...rows,
  ]);
}

/** Runs a table with an aggregator once for every seed. Both tables need the runs of the first. */
async function runSeeds(table, aggregator, planted) {
  const key = JSON.stringify([table.name, aggregator, planted]);
  const known = finished.get(key);
  if (known) return known;
  const results = [];
  const clients = Math.min(table.clients, Number(values.clients));
  for (const seed of seeds) {
    const set = [
      ...settingsOf(table, clients),
      `seed=${seed}`,
      "evaluate=never",
      `aggregator=${JSON.stringify(aggregator)}`,
      `attacks=${JSON.stringify(planted)}`,
    ];
    const rounds = [];
    for await (const { record } of runTrialFile(naturalTrial, plugins, set))
      rounds.push(record.clients);
    const honest = rounds.flat().filter(({ attack, failure }) => attack === null && !failure);
    const count = (status) => honest.filter(({ verdict }) => verdict === status).length;
    results.push({
      counts: countExclusions(rounds),
      judged: honest.length,
      flagged: count("contaminated"),
      undecided: count("undecided"),
    });
  }
  finished.set(key, results);
  return results;
}

/** A table by number of hidden units and attack. */
async function formatNetworks() {
  const rows = [];
  for (const hidden of networkSizes) {
    const drawn = drawNetworks(hidden);
    for (const [attack, change] of Object.entries(networkAttacks)) {
      const counts = { draws: 0, alarms: 0, honest: countStatuses([]), bad: countStatuses([]) };
      for (const [own, rng] of drawn) {
        const updates = own.map((update, k) =>
          k < networkAttackers && change ? change(update, rng.at(k)) : update,
        );
        const statuses = await judgeAll(updates);
        const bad = change ? networkAttackers : 0;
        const honest = countStatuses(statuses.slice(bad));
        add(counts.honest, honest);
        add(counts.bad, countStatuses(statuses.slice(0, bad)));
        counts.draws++;
        counts.alarms += Number(honest.contaminated > 0);
      }
      rows.push([
        String(hidden),
        attack,
        ...(change
          ? [shareOf(counts.bad, "contaminated"), shareOf(counts.bad, "undecided")]
          : ["", ""]),
        shareOf(counts.honest, "contaminated"),
        shareOf(counts.honest, "undecided"),
        countText(counts.alarms, counts.draws),
      ]);
    }
  }
  const head = ["hidden units", "attack", "attackers flagged", "undecided", "honest flagged"];
  return markdown([[...head, "undecided", "draws with a false alarm"], ...rows]);
}

/**
 * Draws clients of every table with enough, with a stream for each.
 * @returns {[import("@fedclair/core").Update[], import("@fedclair/linalg").Stream][]}
 */
function drawNetworks(hidden) {
  return tables.flatMap((table) => {
    const [updates] = trainNetworks(fileOf(table), table, { hidden });
    if (updates.length <= networkClients) return [];
    return Array.from({ length: networkDraws }, (_, draw) => {
      const rng = stream("networks").at(table.name, hidden, draw);
      return [rng.sample(updates, networkClients), rng];
    });
  });
}

/** Changes every module of an update. */
function mapDelta(update, change) {
  const delta = new Map(
    [...update.delta].map(([name, { shape, data }]) => [name, { shape, data: change(data, name) }]),
  );
  return { ...update, delta };
}

/** Normal noise with the norm of the module. */
function noiseLike(data, rng) {
  const noise = rng.normals(data.length);
  const scale = Math.hypot(...data) / Math.hypot(...noise);
  return noise.map((x) => scale * x);
}

async function judgeAll(updates) {
  const { status, modules } = await clair(updates, clairSchema.parse({ models: "global" }), {
    power: noControls,
  });
  modules.close();
  return updates.map(({ clientId }) => status.get(clientId));
}

function countStatuses(statuses) {
  const count = (wanted) => statuses.filter((status) => status === wanted).length;
  return {
    all: statuses.length,
    contaminated: count("contaminated"),
    undecided: count("undecided"),
  };
}

function add(total, own) {
  for (const key of Object.keys(total)) total[key] += own[key];
}

function shareOf(counts, status) {
  return (counts[status] / counts.all).toFixed(3);
}

// npm run lab -- natural [--clients N] [--seeds N]: how often rules leave honest clients out where
// the clients are real institutions, places and people, and what planted attackers change. Needs
// the tables of npm run lab -- federations.
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { wilsonInterval } from "@fedclair/runs";
import { parseArguments } from "./arguments.js";
import { listNatural, naturalTrial, settingsOf } from "./bank/natural.js";
import { runTrialFile } from "./federations.js";
import { countExclusions } from "./honest/honest-table.js";
import { markdown } from "./train-adapters/table.js";

const { values } = parseArguments({
  options: {
    clients: { type: "string", default: "50" },
    seeds: { type: "string", default: "5" },
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
/** What `scaling` multiplies an update with. */
const factor = 5;

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

function sumOf(items, key) {
  return items.reduce((total, item) => total + item[key], 0);
}

/** A share with Wilson's 95 % interval. */
function shareText(count, total) {
  const { low, high } = wilsonInterval(count, total);
  return `${(count / total).toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
}

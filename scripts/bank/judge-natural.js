// Judges honest clients of tables, each table with a bank that was made without it.
import {
  clairSchema,
  findThresholds,
  makeBank,
  scoreClients,
  selectClients,
} from "@fedclair/aggregators";
import { stream } from "@fedclair/linalg";
import { wilsonInterval } from "@fedclair/runs";
import { markdown } from "../train-adapters/table.js";

/** Clients of one draw, of those that a table has. */
const mostClients = 20;
const draws = 40;

/**
 * @param {readonly import("./natural.js").NaturalTable[]} tables
 * @param {ReadonlyMap<string, readonly import("@fedclair/aggregators").Measures[]>} sources of the
 *   bank, the tables among them by name
 * @param {Partial<import("@fedclair/aggregators").BankOptions>} options of the bank
 * @returns a Markdown table with one row a table, and one for all
 */
export async function judgeNatural(tables, sources, options) {
  const rows = [];
  const all = createCounts();
  for (const { name, what } of tables) {
    const [measures] = sources.get(name);
    const clients = Math.min(measures.size.length, mostClients);
    const others = new Map([...sources].filter(([source]) => source !== name));
    const bank = await makeBank(others, { ...options, sizes: [10, 12, 14, 17, 20], draws });
    const counts = countAlarms(measures, clients, bank, stream("tables").at(name));
    for (const key of Object.keys(all)) all[key] += counts[key];
    rows.push(formatRow(what, clients, counts));
  }
  const head = ["a row is", "clients", "clients flagged", "undecided or flagged", "draws"];
  return markdown([[...head, "draws with a false alarm"], ...rows, formatRow("all", "", all)]);
}

function createCounts() {
  return { judged: 0, flagged: 0, unusual: 0, draws: 0, alarms: 0 };
}

function countAlarms(measures, clients, bank, rng) {
  const { falseAlarmRate } = clairSchema.parse({ rule: "evidence" }).rule;
  const everybody = [...measures.size.keys()];
  const counts = createCounts();
  const count = clients < everybody.length ? draws : 1;
  for (let draw = 0; draw < count; draw++) {
    const chosen = rng.at(draw).sample(everybody, clients);
    const { scores, ...kind } = scoreClients(selectClients(measures, chosen), bank.spreads);
    const { upper, lower } = findThresholds(bank, { ...kind, clients }, falseAlarmRate);
    const flagged = scores.filter((score) => score > upper).length;
    counts.judged += clients;
    counts.flagged += flagged;
    counts.unusual += scores.filter((score) => score > lower).length;
    counts.draws++;
    counts.alarms += Number(flagged > 0);
  }
  return counts;
}

function formatRow(what, clients, { judged, flagged, unusual, draws: count, alarms }) {
  const share = (of) => (of / judged).toFixed(3);
  const { low, high } = wilsonInterval(alarms, count);
  return [
    what,
    String(clients),
    share(flagged),
    share(unusual),
    String(count),
    `${alarms} (${low.toFixed(2)}–${high.toFixed(2)})`,
  ];
}

// Judges honest clients of tables, each table with a bank that was made without it: linear
// regressions, and small networks.
import {
  clairSchema,
  findThresholds,
  makeBank,
  scoreClients,
  selectClients,
} from "@fedclair/clair";
import { stream } from "@fedclair/linalg";
import { wilsonInterval } from "@fedclair/runs";
import { listNatural } from "./natural.js";
import { toBankSources } from "./sources.js";
import { markdown } from "../../support/text.js";

/** Clients of one draw, of those that a table has. */
const mostClients = 20;
const draws = 40;

/**
 * @param {readonly import("./sources.js").Source[]} sources of the bank
 * @param {Pick<import("@fedclair/clair").BankOptions, "spreads">} options of the bank
 * @returns a Markdown table with one row a table, and one for all
 */
export async function judgeNatural(sources, { spreads }) {
  const rows = [];
  const all = new Map();
  for (const { name, what } of listNatural()) {
    const table = sources.find((one) => one.name === name);
    if (table === undefined) continue;
    const [once, { dense }] = toBankSources(sources.filter((one) => one !== table));
    const usual = { name: "the others", spreads, sizes: [10, 12, 14, 17, 20] };
    const bank = await makeBank(once, usual, { dense });
    const cells = [...table.models].map(([model, measures]) => {
      const clients = Math.min(measures.size.length, mostClients);
      const counts = countAlarms(measures, clients, bank, stream("tables").at(name));
      const total = all.get(model) ?? createCounts();
      for (const key of Object.keys(total)) total[key] += counts[key];
      all.set(model, total);
      return `${formatShares(counts)}; ${counts.alarms} of ${counts.draws}`;
    });
    rows.push([what, ...cells]);
    console.error(`judged ${name}`);
  }
  const totals = [...all.values()].map((counts) => {
    const { low, high } = wilsonInterval(counts.alarms, counts.draws);
    const share = `${low.toFixed(2)}–${high.toFixed(2)}`;
    return `${formatShares(counts)}; ${counts.alarms} of ${counts.draws} (${share})`;
  });
  return markdown([["a row is", ...all.keys()], ...rows, ["**all**", ...totals]]);
}

function createCounts() {
  return { judged: 0, flagged: 0, unusual: 0, draws: 0, alarms: 0 };
}

function countAlarms(measures, clients, bank, rng) {
  const { falseAlarmRate } = /** @type {any} */ (clairSchema.parse({ rule: "evidence" }).rule);
  const everybody = [...measures.size.keys()];
  const counts = createCounts();
  const count = clients < everybody.length ? draws : 1;
  for (let draw = 0; draw < count; draw++) {
    const chosen = rng.at(draw).sample(everybody, clients);
    const scored = scoreClients(selectClients(measures, chosen), bank.spreads);
    const { upper, lower } = findThresholds(bank, scored, falseAlarmRate);
    const { scores } = scored;
    const flagged = scores.filter((score) => score > upper).length;
    counts.judged += clients;
    counts.flagged += flagged;
    counts.unusual += scores.filter((score) => score > lower).length;
    counts.draws++;
    counts.alarms += Number(flagged > 0);
  }
  return counts;
}

/** Shares of the clients that are flagged, and that are undecided or flagged. */
function formatShares({ judged, flagged, unusual }) {
  return [flagged, unusual].map((of) => (of / judged).toFixed(3)).join(", ");
}

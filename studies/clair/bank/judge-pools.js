// Judges the sets of pools, each pool with a bank that was made without it.
import {
  clairSchema,
  controlKinds,
  findThresholds,
  judgeMeasures,
  makeBank,
  scoreClients,
} from "@fedclair/clair";
import { mean, stream } from "@fedclair/linalg";
import { meanInterval } from "@fedclair/runs";
import { markdown } from "../../support/text.js";
import { rocArea } from "../../support/roc-area.js";
import { toBankSources } from "./sources.js";

const statuses = ["contaminated", "undecided", "benign"];
const heads = [
  "pool",
  "clean sets with a false alarm",
  "flagged, undecided, benign of contaminated",
  "piles with an honest one flagged",
  "honest undecided",
  "area under ROC",
  ...controlKinds,
];

/** The rows that sets of 12 to 20 adapters need. */
const pileBank = { name: "the other pools", sizes: [12, 14, 17, 20] };
const smallest = Math.min(...pileBank.sizes);

/**
 * @param {readonly import("./sources.js").Source[]} sources of the bank
 * @returns a Markdown table with one row a pool, one for all, and what became of each attack
 */
export async function judgePools(sources) {
  const { falseAlarmRate: rate } = /** @type {any} */ (
    clairSchema.parse({ rule: "evidence" }).rule
  );
  const rows = [];
  const attacks = new Map();
  const total = createCounts();
  const shares = [];
  for (const source of sources.filter(({ sets }) => sets)) {
    const [once] = toBankSources(sources.filter((one) => one !== source));
    const bank = await makeBank(once, pileBank);
    const counts = judgePiles(source.sets, bank, rate, attacks);
    const clean = countAlarms(source.sets, bank, rate);
    rows.push(formatRow(source.name, clean, counts));
    add(total, counts);
    shares.push(clean.alarms / clean.sets);
    console.error(`judged ${source.name}`);
  }
  const { mean: share, interval } = meanInterval(shares);
  const ends = interval ? ` (${interval.low.toFixed(2)}–${interval.high.toFixed(2)})` : "";
  const all = formatRow("all", undefined, total);
  all[1] = `${share.toFixed(3)}${ends}`;
  const attackHeads = ["attack", "flagged", "undecided", "benign", "benign though cleared of"];
  const attackRows = [...attacks].map(([attack, counts]) => [attack, ...counts]);
  return [markdown([heads, ...rows, all]), markdown([attackHeads, ...attackRows])].join("\n\n");
}

/** Counts clean sets in which an adapter is flagged. */
function countAlarms(sets, bank, rate) {
  const clean = sets.filter(
    ({ kind, ids }) => (kind === "clean" || kind === "minority") && ids.length >= smallest,
  );
  const alarms = clean.filter(({ measures }) => {
    const scored = scoreClients(measures, bank.spreads);
    return Math.max(...scored.scores) > findThresholds(bank, scored, rate).upper;
  });
  return { alarms: alarms.length, sets: clean.length };
}

/** The control that stands for an attack, by attack. */
const controls = {
  sign: "flipped",
  boost2: "doubled",
  boost5: "boosted",
  freerider: "noise",
  direction: "direction",
  collude: "colluding",
};

function createCounts() {
  return {
    bad: [0, 0, 0],
    falseAlarms: 0,
    piles: 0,
    undecided: 0,
    honest: 0,
    areas: [],
    power: [],
  };
}

function judgePiles(sets, bank, rate, attacks) {
  const counts = createCounts();
  for (const { measures, ids, bad } of sets.filter(({ kind }) => kind === "pile")) {
    const judged = judgeMeasures(measures, { bank, rate, required: [] }, stream("pools"));
    const isBad = ids.map((id) => bad.includes(id));
    judged.clients.forEach(({ status }, k) => {
      if (!isBad[k]) {
        counts.honest++;
        if (status === "undecided") counts.undecided++;
        return;
      }
      const row = statuses.indexOf(status);
      counts.bad[row]++;
      const attack = ids[k].slice("bad-".length).replace(/-\d+$/, "");
      const own = attacks.get(attack) ?? [0, 0, 0, 0];
      own[row]++;
      if (status === "benign" && judged.cleared.includes(controls[attack])) own[3]++;
      attacks.set(attack, own);
    });
    counts.piles++;
    counts.power.push(judged.power);
    if (judged.clients.some(({ status }, k) => !isBad[k] && status === "contaminated"))
      counts.falseAlarms++;
    const scored = judged.clients.map(({ score }, k) => ({ score, isContaminated: isBad[k] }));
    counts.areas.push(rocArea(scored));
  }
  return counts;
}

function add(total, { bad, falseAlarms, piles, undecided, honest, areas, power }) {
  bad.forEach((count, i) => (total.bad[i] += count));
  total.falseAlarms += falseAlarms;
  total.piles += piles;
  total.undecided += undecided;
  total.honest += honest;
  total.areas.push(...areas);
  total.power.push(...power);
}

function formatRow(name, clean, { bad, falseAlarms, piles, undecided, honest, areas, power }) {
  const shares = controlKinds.map((kind) => mean(power.map((own) => own[kind])).toFixed(2));
  const cells = [bad.join(", "), `${falseAlarms} of ${piles}`, `${undecided} of ${honest}`];
  const alarms = clean === undefined ? "" : `${clean.alarms} of ${clean.sets}`;
  return [name, alarms, ...cells, mean(areas).toFixed(3), ...shares];
}

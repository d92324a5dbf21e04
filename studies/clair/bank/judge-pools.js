// Judges the piles of pools, each pool with a bank that was made without it.
import { clairSchema, controlKinds, judgeMeasures, makeBank } from "@fedclair/clair";
import { mean, stream } from "@fedclair/linalg";
import { markdown } from "../../support/text.js";
import { rocArea } from "../separation/measures.js";

const statuses = ["contaminated", "undecided", "benign"];
const heads = [
  "pool",
  "flagged, undecided, benign of contaminated",
  "piles with an honest one flagged",
  "honest undecided",
  "area under ROC",
  ...controlKinds,
];

/** The rows that piles of 13 to 18 adapters need. */
const pileBank = { name: "the other pools", sizes: [12, 14, 17, 20] };

/** @returns a Markdown table with one row a pool, one for all, and what became of each attack */
export async function judgePools(pools, sources) {
  const { falseAlarmRate: rate } = /** @type {any} */ (
    clairSchema.parse({ rule: "evidence" }).rule
  );
  const rows = [];
  const attacks = new Map();
  const total = createCounts();
  for (const [name, piles] of pools) {
    const others = new Map([...sources].filter(([source]) => source !== name));
    const counts = judgePiles(piles, await makeBank(others, pileBank), rate, attacks);
    rows.push(formatRow(name, counts));
    add(total, counts);
  }
  const attackHeads = ["attack", "flagged", "undecided", "benign", "benign though cleared of"];
  const attackRows = [...attacks].map(([attack, counts]) => [attack, ...counts]);
  return [
    markdown([heads, ...rows, formatRow("all", total)]),
    markdown([attackHeads, ...attackRows]),
  ].join("\n\n");
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

function judgePiles(piles, bank, rate, attacks) {
  const counts = createCounts();
  for (const { measures, ids, bad } of piles.values()) {
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
    if (isBad.includes(true)) counts.areas.push(rocArea(scored));
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

function formatRow(name, { bad, falseAlarms, piles, undecided, honest, areas, power }) {
  const shares = controlKinds.map((kind) => mean(power.map((own) => own[kind])).toFixed(2));
  const cells = [bad.join(", "), `${falseAlarms} of ${piles}`, `${undecided} of ${honest}`];
  return [name, ...cells, mean(areas).toFixed(3), ...shares];
}

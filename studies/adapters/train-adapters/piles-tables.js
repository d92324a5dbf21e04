// Results of the audit on piles whose contaminated clients are known.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { audit } from "./audit.js";
import { markdown } from "../../support/text.js";
import { cells, countsOf, total } from "./table.js";

/** Numbers of benign adapters left out of the clean subsets that are audited for every pile. */
const leftOut = [0, 3, 6];

/** @param piles with their folder */
export async function pilesTables(piles) {
  const all = { evidence: [], gap: [], subsets: [] };
  const titles = ["flagged", "undecided", "false alarms", "benign undecided"];
  const rows = [["pile", ...titles, ...titles.map((title) => `${title}, \`gap\``)]];
  for (const { title, folder } of piles) {
    process.stderr.write(`auditing ${title}\n`);
    const evidence = countsOf(await audit([folder]));
    const gap = countsOf(await audit([folder], "--set", "rule=gap"));
    all.evidence.push(evidence);
    all.gap.push(gap);
    rows.push([title, ...cells(evidence), ...cells(gap)]);
    for (const paths of await honestSubsets(folder)) all.subsets.push(countsOf(await audit(paths)));
  }
  rows.push(["all", ...cells(total(all.evidence)), ...cells(total(all.gap))]);
  return [markdown(rows), ...clean(all)].join("\n\n") + "\n";
}

/** Lists all benign adapters, and subsets that each leave out different ones. */
async function honestSubsets(folder) {
  const names = (await readdir(folder)).sort();
  const benign = names.filter((name) => !name.startsWith("bad-"));
  const all = benign.map((name) => join(folder, name));
  return leftOut.map((count) =>
    count === 3 ? all.slice(count) : all.slice(0, all.length - count),
  );
}

function clean({ evidence, subsets }) {
  const piles = evidence.filter(({ bad }) => bad.all === 0);
  return [
    sentence("piles without a contaminated client", piles),
    sentence("sets of benign adapters", subsets),
  ];
}

function sentence(what, all) {
  const withFalseAlarm = all.filter(({ benign }) => benign.contaminated > 0).length;
  const { benign } = total(all);
  return `${all.length} ${what}: ${withFalseAlarm} with a false alarm; of ${benign.all} adapters ${benign.contaminated} are flagged and ${benign.undecided} undecided.`;
}

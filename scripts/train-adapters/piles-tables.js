// What the audit finds in piles of which it is known who is contaminated.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { audit } from "./audit.js";
import { cells, countsOf, markdown, total } from "./table.js";

/** Subsets of the honest of every pile that are audited alone, by how many are left out of them. */
const leftOut = [0, 3, 6];

/** @param piles with their folder */
export async function pilesTables(piles) {
  const all = { evidence: [], gap: [], subsets: [] };
  const titles = ["named", "undecided", "honest accused", "undecided"];
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

/** All honest adapters, and all but some: other ones in other subsets. */
async function honestSubsets(folder) {
  const names = (await readdir(folder)).sort();
  const honest = names.filter((name) => !name.startsWith("bad-"));
  const all = honest.map((name) => join(folder, name));
  return leftOut.map((count) =>
    count === 3 ? all.slice(count) : all.slice(0, all.length - count),
  );
}

function clean({ evidence, subsets }) {
  const piles = evidence.filter(({ bad }) => bad.all === 0);
  return [
    sentence("piles without a contaminated client", piles),
    sentence("sets of honest adapters alone", subsets),
  ];
}

function sentence(what, all) {
  const accused = all.filter(({ honest }) => honest.contaminated > 0).length;
  const { honest } = total(all);
  return `${all.length} ${what}: in ${accused} somebody is accused; of ${honest.all} adapters ${honest.contaminated} are accused and ${honest.undecided} undecided.`;
}

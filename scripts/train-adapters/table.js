// From what `fedclair audit --json` says of a pile to rows of a Markdown table.

/** Adapters of contaminated clients are named so. */
const isBad = (name) => name.startsWith("bad-");

/** @returns how many of the contaminated and of the honest have each status */
export function countsOf({ adapters }) {
  const counts = { bad: emptyCounts(), honest: emptyCounts() };
  for (const { name, status } of adapters) {
    const side = isBad(name) ? counts.bad : counts.honest;
    side.all++;
    side[status]++;
  }
  return counts;
}

/** Of several piles. */
export function total(all) {
  const sum = { bad: emptyCounts(), honest: emptyCounts() };
  for (const counts of all) {
    for (const side of ["bad", "honest"]) {
      for (const key of Object.keys(sum[side])) sum[side][key] += counts[side][key];
    }
  }
  return sum;
}

function emptyCounts() {
  return { all: 0, benign: 0, contaminated: 0, undecided: 0, inactive: 0, invalid: 0 };
}

/** Cells: contaminated that are named, and undecided; honest that are accused, and undecided. */
export function cells({ bad, honest }) {
  const named = bad.all === 0 ? ["", ""] : [`${bad.contaminated} of ${bad.all}`, bad.undecided];
  return [...named, `${honest.contaminated} of ${honest.all}`, honest.undecided].map(String);
}

/** @param rows of cells, the first one of titles */
export function markdown([head, ...rows]) {
  const line = (row) => `| ${row.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

// Converts the output of `fedclair audit --json` to rows of a Markdown table.

/** Is this the name of a contaminated client's adapter? */
const isBad = (name) => name.startsWith("bad-");

/** Counts the contaminated and the benign adapters by status. */
export function countsOf({ adapters }) {
  const counts = { bad: emptyCounts(), benign: emptyCounts() };
  for (const { name, status } of adapters) {
    const side = isBad(name) ? counts.bad : counts.benign;
    side.all++;
    side[status]++;
  }
  return counts;
}

/** Adds up the counts of several piles. */
export function total(all) {
  const sum = { bad: emptyCounts(), benign: emptyCounts() };
  for (const counts of all) {
    for (const side of ["bad", "benign"]) {
      for (const key of Object.keys(sum[side])) sum[side][key] += counts[side][key];
    }
  }
  return sum;
}

function emptyCounts() {
  return { all: 0, benign: 0, contaminated: 0, undecided: 0, inactive: 0, invalid: 0 };
}

/**
 * Cells of a pile: contaminated adapters flagged and undecided, benign ones flagged and undecided.
 */
export function cells({ bad, benign }) {
  const flagged = bad.all === 0 ? ["", ""] : [`${bad.contaminated} of ${bad.all}`, bad.undecided];
  return [...flagged, `${benign.contaminated} of ${benign.all}`, benign.undecided].map(String);
}

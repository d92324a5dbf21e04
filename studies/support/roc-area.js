/**
 * Area under the ROC curve: the share of pairs in which the contaminated client has the higher
 * score. Ties count half.
 * @param {readonly { isContaminated: boolean, score: number }[]} federation
 */
export function rocArea(federation) {
  const bad = scoresOf(federation, true);
  const benign = scoresOf(federation, false);
  let won = 0;
  for (const x of bad) for (const y of benign) won += x > y ? 1 : x === y ? 0.5 : 0;
  return won / (bad.length * benign.length);
}

function scoresOf(federation, wanted) {
  return federation
    .filter(({ isContaminated }) => isContaminated === wanted)
    .map(({ score }) => score);
}

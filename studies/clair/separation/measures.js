// Measures of how well scores separate contaminated from benign clients. A federation is a list of
// { isContaminated, status, score }.

/**
 * Area under the ROC curve: the share of pairs in which the contaminated client has the higher
 * score. Ties count half.
 */
export function rocArea(federation) {
  const bad = scoresOf(federation, true);
  const benign = scoresOf(federation, false);
  let won = 0;
  for (const x of bad) for (const y of benign) won += x > y ? 1 : x === y ? 0.5 : 0;
  return won / (bad.length * benign.length);
}

/** The lowest threshold that at most a share `rate` of clean federations exceed with any client. */
export function calibrateThreshold(clean, rate) {
  const largest = clean.map((federation) => Math.max(...scoresOf(federation, false)));
  return largest.sort((x, y) => y - x)[Math.floor(rate * clean.length)];
}

/** Share of the contaminated clients in all federations for which `predicate` holds. */
export function shareOf(federations, predicate) {
  const bad = federations.flat().filter(({ isContaminated }) => isContaminated);
  return bad.filter(predicate).length / bad.length;
}

/** Share of federations in which a benign client is flagged. */
export function shareWithFalseAlarm(federations) {
  const isFalseAlarm = ({ isContaminated, status }) => !isContaminated && status === "contaminated";
  return (
    federations.filter((federation) => federation.some(isFalseAlarm)).length / federations.length
  );
}

function scoresOf(federation, wanted) {
  return federation
    .filter(({ isContaminated }) => isContaminated === wanted)
    .map(({ score }) => score);
}

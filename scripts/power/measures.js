// How well scores tell contaminated clients from honest ones. A federation is a list of { isContaminated, status, score }.

/** The area under the ROC curve: the share of pairs in which the contaminated client has the higher score; ties count half. */
export function area(federation) {
  const bad = scoresOf(federation, true);
  const honest = scoresOf(federation, false);
  let won = 0;
  for (const x of bad) for (const y of honest) won += x > y ? 1 : x === y ? 0.5 : 0;
  return won / (bad.length * honest.length);
}

/** The least score that the largest one exceeds in at most a share `rate` of federations without a contaminated client. */
export function thresholdOf(clean, rate) {
  const largest = clean.map((federation) => Math.max(...scoresOf(federation, false)));
  return largest.sort((x, y) => y - x)[Math.floor(rate * clean.length)];
}

/** Of the contaminated clients of all federations, the share that is like this. */
export function shareOf(federations, isSo) {
  const bad = federations.flat().filter(({ isContaminated }) => isContaminated);
  return bad.filter(isSo).length / bad.length;
}

/** The share of federations in which an honest client is accused. */
export function accusing(federations) {
  const isAccused = ({ isContaminated, status }) => !isContaminated && status === "contaminated";
  return federations.filter((federation) => federation.some(isAccused)).length / federations.length;
}

function scoresOf(federation, wanted) {
  return federation
    .filter(({ isContaminated }) => isContaminated === wanted)
    .map(({ score }) => score);
}

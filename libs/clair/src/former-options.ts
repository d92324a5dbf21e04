/** What has taken the place of an option that was renamed. */
const renamed: Readonly<Record<string, string>> = {
  falseAlarmRate: "rule: { by: evidence, falseAlarmRate: … }",
  undecided: "rule: { by: evidence, undecided: … }",
  gapMin: "rule: { by: gap, minGap: … }",
  minGap: "rule: { by: gap, minGap: … }",
  maxSine: "rule: { by: fixed, maxSine: … }",
  fixedThreshold: "rule: { by: fixed, maxSine: … }",
};

/** Options that are constants now, or belonged to alternatives that are gone. */
const removed = [
  "solver",
  "normalize",
  "subsetStarts",
  "keepStarts",
  "maxSteps",
  "gapMin2",
  "madC",
  "madEta",
  "scoreFloor",
  "leaveOneOut",
  "leaveOneOutMax",
  "refits",
  "pooling",
  "zeroTol",
  "minClients",
  "offSubspace",
  "clipOff",
];

/** Says what became of an option of earlier releases; undefined for any other key. */
export function adviseOnFormerOption(key: string): string | undefined {
  if (removed.includes(key)) return ": this option was removed";
  const now = renamed[key];
  return now === undefined ? undefined : `: write ${now}`;
}

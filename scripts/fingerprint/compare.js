/*
 * Kinds of differences:
 * - in a trial: trial, settings, exit, error, params:<tensor>, measures:<measure>, arm;
 * - in a round of an arm: round, phase, cohort, failures, numExamples, train:<metric>, undecided,
 *   verdicts, score, threshold, evaluation:<metric>, metrics:<metric>, bytes:<direction>,
 *   artifacts:<name>.
 */

/** Fields of a round that hold one value, and fields that hold values by name. */
const valueFields = ["phase", "cohort", "failures", "numExamples", "score", "threshold"];
const mapFields = ["train", "evaluation", "metrics", "bytes", "artifacts"];

/**
 * Compares two maps of fingerprints by trial. If a run ended differently, only the rounds that both
 * have are compared.
 * @returns for each difference the trial, the kind, a text and, where they apply, arm and round
 */
export function listDifferences(before, after) {
  return listKeys(before, after).flatMap((trial) => {
    const [old, now] = [before.get(trial), after.get(trial)];
    return compareIfBoth("trial", old, now, compareRuns).map((found) => ({ trial, ...found }));
  });
}

function compareRuns(old, now) {
  const sameEnd = old.exit === now.exit;
  const [oldArms, newArms] = [old, now].map(({ arms }) => new Map(arms.map((a) => [a.label, a])));
  const end = (run) => (run.exit === 0 ? "0" : `${run.exit} (${run.error})`);
  return [
    ...describeChange("settings", old.settings, now.settings),
    ...(sameEnd ? [] : [{ kind: "exit", text: `${end(old)} → ${end(now)}` }]),
    ...(sameEnd ? describeChange("error", old.error, now.error) : []),
    ...listKeys(oldArms, newArms)
      .filter((arm) => sameEnd || (oldArms.has(arm) && newArms.has(arm)))
      .flatMap((arm) => {
        const found = compareIfBoth("arm", oldArms.get(arm), newArms.get(arm), (x, y) =>
          compareArms(x, y, sameEnd),
        );
        return found.map((difference) => ({ arm, ...difference }));
      }),
    ...["params", "measures"]
      .filter((field) => sameEnd || (old[field] && now[field]))
      .flatMap((field) => compareByName(field, old[field], now[field])),
  ];
}

function compareArms(old, now, sameEnd) {
  const [before, after] = [old, now].map(({ rounds }) => new Map(rounds.map((r) => [r.round, r])));
  return listKeys(before, after)
    .filter((round) => sameEnd || (before.has(round) && after.has(round)))
    .flatMap((round) => {
      const found = compareIfBoth("round", before.get(round), after.get(round), compareRounds);
      return found.map((difference) => ({ round, ...difference }));
    });
}

function compareRounds(old, now) {
  return [
    ...compareVerdicts(old.verdicts, now.verdicts),
    ...valueFields.flatMap((field) => describeChange(field, old[field], now[field])),
    ...mapFields.flatMap((field) => compareByName(field, old[field], now[field])),
  ];
}

/** Reports clients that were benign without a threshold and are undecided now as their own kind. */
function compareVerdicts(before, after) {
  const decided = [...after].map((letter, i) =>
    letter === "u" && before[i] === "B" ? "B" : letter,
  );
  return describeChange(decided.join("") === before ? "undecided" : "verdicts", before, after);
}

function compareByName(field, old = {}, now = {}) {
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names].flatMap((name) => describeChange(`${field}:${name}`, old[name], now[name]));
}

function describeChange(kind, before, after) {
  return before === after ? [] : [{ kind, text: `${before ?? "none"} → ${after ?? "none"}` }];
}

function compareIfBoth(kind, old, now, compare) {
  if (old && now) return compare(old, now);
  return [{ kind, text: old ? "is gone" : "is new" }];
}

const listKeys = (a, b) => [...new Set([...a.keys(), ...b.keys()])];

/**
 * @param patterns accepted kinds; one without a colon covers all names of the kind, `*` matches any
 *   text
 * @returns a function that tests whether a kind is accepted
 */
export function accepts(patterns) {
  const expressions = patterns.map((pattern) => {
    const text = pattern.replaceAll(/[^\w*:]/g, "\\$&").replaceAll("*", ".*");
    return new RegExp(`^${text}${pattern.includes(":") ? "" : "(:.*)?"}$`);
  });
  return (kind) => expressions.some((expression) => expression.test(kind));
}

/** Formats differences: a line for each kind in an arm of a trial, and a total. */
export function formatDifferences(found) {
  const groups = new Map();
  for (const difference of found) {
    const { trial, arm, kind } = difference;
    const place = [trial, arm, toFamily(kind)].filter(Boolean).join(": ");
    groups.set(place, [...(groups.get(place) ?? []), difference]);
  }
  return [...groups].map(([place, group]) => `${place}: ${formatGroup(group)}`).join("\n");
}

/** Formats the first few differences of a group, each with its round and name. */
function formatGroup(group) {
  const shown = group.slice(0, 3).map(({ round, kind, text }) => {
    const name = kind.slice(toFamily(kind).length + 1);
    return [round && `round ${round}`, name, text].filter(Boolean).join(" ");
  });
  const rest = group.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join("; ");
}

/** Formats the number of differences of each kind, for example `bytes 4, score 2`. */
export function formatCounts(found) {
  const counts = new Map();
  for (const { kind } of found) counts.set(toFamily(kind), (counts.get(toFamily(kind)) ?? 0) + 1);
  return [...counts].map(([family, count]) => `${family} ${count}`).join(", ");
}

const toFamily = (kind) => kind.split(":", 1)[0];

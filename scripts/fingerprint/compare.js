/*
 * Kinds of differences. Of a trial: trial, settings, exit, error, params:<tensor>, measures:<measure>, arm. Of a round of an arm: round,
 * phase, cohort, failures, numExamples, train:<metric>, undecided, verdicts, score, threshold, evaluation:<metric>,
 * metrics:<metric>, bytes:<way>, artifacts:<name>.
 */

/** Fields of a round that hold one value, and those that hold values by name. */
const single = ["phase", "cohort", "failures", "numExamples", "score", "threshold"];
const named = ["train", "evaluation", "metrics", "bytes", "artifacts"];

/**
 * What differs between two maps of fingerprints by trial. Of a run that ended otherwise only what both have is compared.
 * @returns of each difference the trial, the kind, a text, and where they apply the arm and the round
 */
export function differences(before, after) {
  return keysOf(before, after).flatMap((trial) => {
    const [old, now] = [before.get(trial), after.get(trial)];
    return either("trial", old, now, ofRun).map((found) => ({ trial, ...found }));
  });
}

function ofRun(old, now) {
  const sameEnd = old.exit === now.exit;
  const [oldArms, newArms] = [old, now].map(({ arms }) => new Map(arms.map((a) => [a.label, a])));
  const end = (run) => (run.exit === 0 ? "0" : `${run.exit} (${run.error})`);
  return [
    ...changed("settings", old.settings, now.settings),
    ...(sameEnd ? [] : [{ kind: "exit", text: `${end(old)} → ${end(now)}` }]),
    ...(sameEnd ? changed("error", old.error, now.error) : []),
    ...keysOf(oldArms, newArms)
      .filter((arm) => sameEnd || (oldArms.has(arm) && newArms.has(arm)))
      .flatMap((arm) => {
        const found = either("arm", oldArms.get(arm), newArms.get(arm), (x, y) =>
          ofArm(x, y, sameEnd),
        );
        return found.map((difference) => ({ arm, ...difference }));
      }),
    ...["params", "measures"]
      .filter((field) => sameEnd || (old[field] && now[field]))
      .flatMap((field) => byName(field, old[field], now[field])),
  ];
}

function ofArm(old, now, sameEnd) {
  const [before, after] = [old, now].map(({ rounds }) => new Map(rounds.map((r) => [r.round, r])));
  return keysOf(before, after)
    .filter((round) => sameEnd || (before.has(round) && after.has(round)))
    .flatMap((round) => {
      const found = either("round", before.get(round), after.get(round), ofRound);
      return found.map((difference) => ({ round, ...difference }));
    });
}

function ofRound(old, now) {
  return [
    ...ofVerdicts(old.verdicts, now.verdicts),
    ...single.flatMap((field) => changed(field, old[field], now[field])),
    ...named.flatMap((field) => byName(field, old[field], now[field])),
  ];
}

/** Clients that passed for benign without a threshold, and are undecided now, make a kind of its own. */
function ofVerdicts(before, after) {
  const decided = [...after].map((letter, i) =>
    letter === "u" && before[i] === "B" ? "B" : letter,
  );
  return changed(decided.join("") === before ? "undecided" : "verdicts", before, after);
}

function byName(field, old = {}, now = {}) {
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names].flatMap((name) => changed(`${field}:${name}`, old[name], now[name]));
}

function changed(kind, before, after) {
  return before === after ? [] : [{ kind, text: `${before ?? "none"} → ${after ?? "none"}` }];
}

function either(kind, old, now, compare) {
  if (old && now) return compare(old, now);
  return [{ kind, text: old ? "is gone" : "is new" }];
}

const keysOf = (a, b) => [...new Set([...a.keys(), ...b.keys()])];

/**
 * @param patterns kinds that are intended; one without a colon stands for all names of the kind, `*` for any text
 * @returns whether a kind is one of them
 */
export function accepts(patterns) {
  const expressions = patterns.map((pattern) => {
    const text = pattern.replaceAll(/[^\w*:]/g, "\\$&").replaceAll("*", ".*");
    return new RegExp(`^${text}${pattern.includes(":") ? "" : "(:.*)?"}$`);
  });
  return (kind) => expressions.some((expression) => expression.test(kind));
}

/** For people: a line for all that differs in one kind of one arm of a trial, and a total. */
export function textOf(found) {
  const groups = new Map();
  for (const difference of found) {
    const { trial, arm, kind } = difference;
    const place = [trial, arm, familyOf(kind)].filter(Boolean).join(": ");
    groups.set(place, [...(groups.get(place) ?? []), difference]);
  }
  return [...groups].map(([place, group]) => `${place}: ${shortened(group)}`).join("\n");
}

/** The first few, each with its round and name. */
function shortened(group) {
  const shown = group.slice(0, 3).map(({ round, kind, text }) => {
    const name = kind.slice(familyOf(kind).length + 1);
    return [round && `round ${round}`, name, text].filter(Boolean).join(" ");
  });
  const rest = group.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join("; ");
}

/** How many differences there are of each kind, as `bytes 4, score 2`. */
export function countsOf(found) {
  const counts = new Map();
  for (const { kind } of found) counts.set(familyOf(kind), (counts.get(familyOf(kind)) ?? 0) + 1);
  return [...counts].map(([family, count]) => `${family} ${count}`).join(", ");
}

const familyOf = (kind) => kind.split(":", 1)[0];

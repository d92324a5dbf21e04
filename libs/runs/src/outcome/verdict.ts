import type { Trial } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { armsOf } from "../arms.js";
import type { ArmRecord } from "../run-folder.js";
import { detectionOf, evaluationMeans } from "../summary.js";

/**
 * What a run shows, in a sentence computed from its records: who was flagged, and how the benign clients fare against
 * the baselines, as `clair flagged 7 of 7 contaminated clients in every round (4), with no false alarm; benign accuracy
 * 0.910 against 0.850 (local) and 0.620 (fedavg).`
 */
export function verdictSentence(trial: Trial, records: readonly ArmRecord[]): string {
  const [main] = armsOf(trial);
  const own = records.filter(({ arm }) => arm === main.label);
  if (own.length === 0) return "Stopped before the end of the first round.";
  const failed = sum(own.map(({ clients }) => clients.filter(({ failure }) => failure).length));
  const parts = [
    `${main.label} ${detectionClause(own)}`,
    comparisonClause(trial, records),
    failed > 0 ? `${counted(failed, "answer")} of its clients failed` : undefined,
  ];
  const sentence = parts.filter((part) => part !== undefined).join("; ") + ".";
  return own.length < trial.rounds
    ? `Stopped after ${own.length} of ${counted(trial.rounds, "round")}: ${sentence}`
    : sentence;
}

function detectionClause(records: readonly ArmRecord[]): string {
  const rounds = records.flatMap(({ clients }) => detectionOf(clients) ?? []);
  const last = rounds.at(-1);
  if (!last) return "judges no clients";
  const total = {
    caught: sum(rounds.map(({ caught }) => caught)),
    contaminated: sum(rounds.map(({ contaminated }) => contaminated)),
    falseAlarms: sum(rounds.map(({ falseAlarms }) => falseAlarms)),
  };
  const span = rounds.length === 1 ? "in the only round" : `over ${rounds.length} rounds`;
  const alarms =
    total.falseAlarms === 0 ? "no false alarm" : counted(total.falseAlarms, "false alarm");
  if (total.contaminated === 0) {
    const none = "none of the clients that it judged is contaminated";
    return total.falseAlarms === 0
      ? `flagged nobody, and ${none}`
      : `raised ${alarms} ${span}; ${none}`;
  }
  const unjudged = records.some(({ clients }) =>
    clients.some(({ attack, verdict }) => attack !== null && verdict === undefined),
  );
  const who = `${unjudged ? "judged " : ""}contaminated clients`;
  const steady = rounds.every(
    ({ caught, contaminated }) => caught === last.caught && contaminated === last.contaminated,
  );
  if (steady) {
    const when = rounds.length === 1 ? span : `in every round (${rounds.length})`;
    return `flagged ${last.caught} of ${last.contaminated} ${who} ${when}, with ${alarms}`;
  }
  const overall = `${total.caught} of ${total.contaminated} ${span}`;
  return `flagged ${last.caught} of ${last.contaminated} ${who} in the last round, ${overall}, with ${alarms}`;
}

/** Only of baselines that came as far: a mean of another round compares training time, not methods. */
function comparisonClause(trial: Trial, records: readonly ArmRecord[]): string | undefined {
  const [main, ...baselines] = armsOf(trial);
  const lastOf = (label: string) => records.filter(({ arm }) => arm === label).at(-1);
  const last = lastOf(main.label);
  const means = evaluationMeans(last?.clients ?? []);
  const metric = "accuracy" in means ? "accuracy" : Object.keys(means)[0];
  const value = metric === undefined ? undefined : means[metric];
  if (metric === undefined || value === undefined) return undefined;
  const others = baselines.flatMap(({ label }) => {
    const record = lastOf(label);
    if (record?.round !== last?.round) return [];
    const theirs = evaluationMeans(record?.clients ?? [])[metric];
    return theirs === undefined ? [] : [`${theirs.toPrecision(3)} (${label})`];
  });
  const against = others.length > 0 ? ` against ${listed(others)}` : "";
  return `benign ${metric} ${value.toPrecision(3)}${against}`;
}

function listed(items: readonly string[]): string {
  return items.length < 2
    ? items.join("")
    : `${items.slice(0, -1).join(", ")} and ${items.at(-1) ?? ""}`;
}

function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

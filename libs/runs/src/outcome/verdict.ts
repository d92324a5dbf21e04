import { printable } from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import type { Detected } from "../detection.js";
import { readMetric, ownProperty } from "../measure.js";
import { countNoun, formatNumber } from "../numbers.js";
import type { Run } from "../run.js";
import { measuringClients } from "../truth.js";
import { compareArms, type ArmRow } from "./method-rows.js";

/** Of the sentence; reasons that records bring along may be long. */
const mostBytes = 8192;

/**
 * What a run shows, in a sentence computed from its records: who was flagged, and how the benign clients fare against
 * the baselines, as `clair flagged 7 of 7 contaminated clients in every round (4), with no false alarm; benign accuracy
 * 0.910 against 0.850 (local) and 0.620 (fedavg).`
 */
export function verdictSentence(run: Run): string {
  const main = run.arms[0].label;
  const rounds = run.rounds.get(main) ?? 0;
  const parts = [
    `${main} ${detectionClause(run)}`,
    clientsClause(run),
    neverSampledClause(run),
    comparisonClause(run),
    failureClause(run),
    lossClause(run),
  ];
  const sentence = parts.filter((part) => part !== undefined).join("; ") + ".";
  const why = ownProperty(run.summary.stopped, main);
  if (why !== undefined) {
    const until = rounds === 0 ? "" : ` Until then ${sentence}`;
    return printable(`${main} could not go on, ${why}.${until}`, mostBytes);
  }
  if (rounds === 0) return "Stopped before the end of the first round.";
  const all = run.trial.rounds;
  const until = rounds < all ? `after ${rounds} of ${countNoun(all, "round")}` : "in a baseline";
  return printable(run.isFinished ? sentence : `Stopped ${until}: ${sentence}`, mostBytes);
}

function detectionClause({ detected }: Run): string {
  const { open } = detected;
  if (!open) return "judges no clients";
  const { judged, flagged } = open.unknown;
  const { count, reason } = open.undecided;
  const unknown = `flagged ${flagged} of ${countNoun(judged, "client")} of unknown truth in the last round`;
  const why = reason === undefined ? "" : ` (${reason})`;
  const undecided = `undecided about ${countNoun(count, "client")} in the last round${why}`;
  return [
    knownClause(detected, judged > 0),
    judged > 0 ? unknown : undefined,
    count > 0 ? undecided : undefined,
  ]
    .filter((clause) => clause !== undefined)
    .join("; ");
}

/** About the clients whose truth is known; undefined where there is none. @param isOpen is there one that is unknown? */
function knownClause(detected: Detected, isOpen: boolean): string | undefined {
  const { last, rounds, total, exact, isSteady, hasUnjudged } = detected;
  if (!last) return undefined;
  const span = rounds === 1 ? "in the only round" : `over ${rounds} rounds`;
  const alarms =
    total.falseAlarms === 0 ? "no false alarm" : countNoun(total.falseAlarms, "false alarm");
  if (total.contaminated === 0) {
    const none = isOpen
      ? "none of the clients that it judged is known to be contaminated"
      : "none of the clients that it judged is contaminated";
    const nobody = isOpen ? "flagged nobody who is known to be benign" : "flagged nobody";
    return total.falseAlarms === 0 ? `${nobody}, and ${none}` : `raised ${alarms} ${span}; ${none}`;
  }
  const who = `${hasUnjudged ? "judged " : ""}contaminated clients`;
  const inLast = `flagged ${last.caught} of ${last.contaminated} ${who}`;
  if (isSteady) {
    return `${inLast} ${rounds === 1 ? span : `in every round (${rounds})`}, with ${alarms}`;
  }
  const overall = `${total.caught} of ${total.contaminated}`;
  const tail = `${span}, with ${alarms}; exactly the contaminated in ${exact.rounds} of the ${countNoun(exact.of, "round")} with any`;
  return last.contaminated === 0
    ? `flagged ${overall} ${who} ${tail}`
    : `${inLast} in the last round, ${overall} ${tail}`;
}

/** Where rounds judge different clients, what is known of each in the end. */
function clientsClause({ detected: { clients } }: Run): string | undefined {
  if (!clients) return undefined;
  const { contaminated, benign, caught, falseAlarms } = clients;
  return `when last judged, ${caught} of ${contaminated} contaminated clients were flagged, and ${falseAlarms} of ${benign} benign`;
}

/** A contaminated client that no round sampled was not caught, and could not be. */
function neverSampledClause({ description, clients }: Run): string | undefined {
  const never = [...description.attacks.keys()].filter((id) => !clients.has(id)).length;
  if (never === 0) return undefined;
  return `${countNoun(never, "contaminated client")} ${never === 1 ? "was" : "were"} never sampled`;
}

/** By the task's primary metric, of the clients or of the coordinator; else by the first that clients measured. */
function comparisonClause(run: Run): string | undefined {
  const { primary } = run.description;
  const comparison = compareArms(run, 1);
  const [metric] = comparison.metrics;
  if (metric === undefined || (primary !== undefined && metric !== primary)) {
    const coordinated = primary === undefined ? undefined : coordinatorClause(run, primary);
    if (coordinated !== undefined) return coordinated;
  }
  if (metric === undefined) return undefined;
  const [own, ...others] = comparison.rows.flatMap(({ label, means, measured }) => {
    const mean = means.get(metric);
    return mean ? [{ label, measured, ...mean }] : [];
  });
  if (!own || own.label !== run.arms[0].label) return undefined;
  const value = (mean: number) => mean.toPrecision(3);
  const against = others.map(({ label, mean }) => `${value(mean)} (${label})`);
  return (
    `${whoMeasured(run)} ${metric} ${value(own.mean)}${againstText(against)}` +
    betterText(run, metric, own.mean, others) +
    (comparison.clientsDiffer ? differing(own.n, comparison.rows) : "")
  );
}

/** Which baseline that is told no more than the method under study serves the clients better, if one does. */
function betterText(
  { trial, description }: Run,
  metric: string,
  own: number,
  others: readonly { readonly label: string; readonly mean: number }[],
): string {
  const direction = { higher: 1, lower: -1 }[description.metrics[metric]?.better ?? "higher"];
  const told = new Set(
    trial.baselines.filter(({ clients }) => clients === "benign").map(({ label }) => label),
  );
  const [best] = others
    .filter(({ label }) => !told.has(label))
    .sort((x, y) => direction * (y.mean - x.mean));
  if (!best || description.metrics[metric] === undefined) return "";
  return direction * (best.mean - own) > 0 ? `: ${best.label} serves them better` : "";
}

/** Nobody knows that a client of unknown truth is benign. */
function whoMeasured(run: Run): string {
  return run.summary.truth === "unknown" ? "clients'" : "benign";
}

function differing(n: number, rows: readonly ArmRow[]): string {
  const each = rows.flatMap(({ label, measured }) =>
    measured === undefined ? [] : [`${label} ${measured}`],
  );
  return `, over the ${countNoun(n, "client")} measured under every method (${each.join(", ")})`;
}

function coordinatorClause(run: Run, metric: string): string | undefined {
  const methods = run.arms.map(({ label }) => ({ label, last: run.last.get(label) }));
  const [main, ...baselines] = methods;
  const own = readMetric(main?.last?.metrics, metric);
  if (own === undefined) return undefined;
  const against = baselines.flatMap(({ label, last }) => {
    const value = last?.round === main?.last?.round ? readMetric(last?.metrics, metric) : undefined;
    return value === undefined ? [] : [`${value.toPrecision(3)} (${label})`];
  });
  return `${metric} ${own.toPrecision(3)}${againstText(against)}`;
}

function failureClause({ failures: { training } }: Run): string | undefined {
  const { late, failed } = training;
  const clauses = [
    ...(late > 0 ? [`${countNoun(late, "answer")} of stragglers left out`] : []),
    ...(failed > 0 ? [`${countNoun(failed, "answer")} of its clients failed`] : []),
  ];
  return clauses.length === 0 ? undefined : clauses.join(", ");
}

/** Of all methods together. */
function lossClause({ summary }: Run): string | undefined {
  const losses = summary.details.filter(({ scope }) => scope === "lost");
  const lost = sum(losses.map(({ value }) => value));
  const asked = sum(losses.map(({ n = 0 }) => n));
  if (lost === 0) return undefined;
  return `${formatNumber(lost)} of ${formatNumber(asked)} rounds of ${measuringClients(summary)} were lost, over all methods`;
}

function againstText(items: readonly string[]): string {
  if (items.length === 0) return "";
  return ` against ${items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1) ?? ""}`}`;
}

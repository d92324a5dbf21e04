import { printable, type ClientRecord } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import type { ArmRecord } from "../arms.js";
import { detectionOf, isExact, LastJudged, type Detection } from "../detection.js";
import { metricOf, ownValue } from "../measure.js";
import { counted, formatNumber } from "../numbers.js";
import { recordsOf, studied, type Run } from "../run.js";
import { measuringClients } from "../truth.js";
import { compareMethods, type MethodRow } from "./method-rows.js";

/** Of the sentence; reasons that records bring along may be long. */
const mostBytes = 8192;

/**
 * What a run shows, in a sentence computed from its records: who was flagged, and how the benign clients fare against
 * the baselines, as `clair flagged 7 of 7 contaminated clients in every round (4), with no false alarm; benign accuracy
 * 0.910 against 0.850 (local) and 0.620 (fedavg).`
 */
export function verdictSentence(run: Run): string {
  const main = run.arms[0].label;
  const own = studied(run).filter(({ stopped }) => stopped === undefined);
  const parts = [
    `${main} ${detectionClause(own)}`,
    clientsClause(own),
    neverSampledClause(run, own),
    comparisonClause(run),
    failureClause(own),
    lossClause(run),
  ];
  const sentence = parts.filter((part) => part !== undefined).join("; ") + ".";
  const why = ownValue(run.summary.stopped, main);
  if (why !== undefined) {
    const until = own.length === 0 ? "" : ` Until then ${sentence}`;
    return printable(`${main} could not go on, ${why}.${until}`, mostBytes);
  }
  if (own.length === 0) return "Stopped before the end of the first round.";
  return printable(
    run.isFinished
      ? sentence
      : `Stopped after ${own.length} of ${counted(run.trial.rounds, "round")}: ${sentence}`,
    mostBytes,
  );
}

function detectionClause(records: readonly ArmRecord[]): string {
  const rounds = records.flatMap(({ clients }) => detectionOf(clients) ?? []);
  const last = rounds.at(-1);
  const lastJudged = records.findLast(({ clients }) => detectionOf(clients));
  if (!last || !lastJudged) return "judges no clients";
  const known = knownClause(records, rounds, last);
  const { judged, flagged } = last.unknown;
  const undecided = lastJudged.clients.filter(({ verdict }) => verdict === "undecided");
  const unknown = `flagged ${flagged} of ${counted(judged, "client")} of unknown truth in the last round`;
  const open = `undecided about ${counted(undecided.length, "client")} in the last round${reasonOf(undecided)}`;
  return [known, judged > 0 ? unknown : undefined, undecided.length > 0 ? open : undefined]
    .filter((clause) => clause !== undefined)
    .join("; ");
}

/** The reason that all share, if they do. */
function reasonOf(clients: readonly ClientRecord[]): string {
  const [reason, ...others] = new Set(clients.map((client) => client.reason));
  return reason === undefined || others.length > 0 ? "" : ` (${reason})`;
}

/** About the clients whose truth is known; undefined where there is none. */
function knownClause(
  records: readonly ArmRecord[],
  rounds: readonly Detection[],
  last: Detection,
): string | undefined {
  const total = {
    caught: sum(rounds.map(({ caught }) => caught)),
    contaminated: sum(rounds.map(({ contaminated }) => contaminated)),
    benign: sum(rounds.map(({ benign }) => benign)),
    falseAlarms: sum(rounds.map(({ falseAlarms }) => falseAlarms)),
  };
  if (total.contaminated + total.benign === 0) return undefined;
  const span = rounds.length === 1 ? "in the only round" : `over ${rounds.length} rounds`;
  const alarms =
    total.falseAlarms === 0 ? "no false alarm" : counted(total.falseAlarms, "false alarm");
  if (total.contaminated === 0) {
    const isOpen = last.unknown.judged > 0;
    const none = isOpen
      ? "none of the clients that it judged is known to be contaminated"
      : "none of the clients that it judged is contaminated";
    const nobody = isOpen ? "flagged nobody who is known to be benign" : "flagged nobody";
    return total.falseAlarms === 0 ? `${nobody}, and ${none}` : `raised ${alarms} ${span}; ${none}`;
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
  const overall = `${total.caught} of ${total.contaminated}`;
  const exact = rounds.flatMap((round) => isExact(round) ?? []);
  const tail = `${span}, with ${alarms}; exactly the contaminated in ${exact.filter(Boolean).length} of the ${counted(exact.length, "round")} that judged any`;
  return last.contaminated === 0
    ? `flagged ${overall} ${who} ${tail}`
    : `flagged ${last.caught} of ${last.contaminated} ${who} in the last round, ${overall} ${tail}`;
}

/** Where rounds judge different clients, what is known of each in the end. */
function clientsClause(records: readonly ArmRecord[]): string | undefined {
  const last = new LastJudged();
  for (const { clients } of records) last.add(clients);
  const seen = last.detection();
  if (!seen || seen.contaminated + seen.benign === 0) return undefined;
  const { contaminated, benign, caught, falseAlarms } = seen;
  return `when last judged, ${caught} of ${contaminated} contaminated clients were flagged, and ${falseAlarms} of ${benign} benign`;
}

/** A contaminated client that no round sampled was not caught, and could not be. */
function neverSampledClause(
  { description }: Run,
  records: readonly ArmRecord[],
): string | undefined {
  const sampled = new Set(
    records.flatMap(({ clients }) => clients.map(({ clientId }) => clientId)),
  );
  const never = [...description.attacks.keys()].filter((id) => !sampled.has(id)).length;
  if (never === 0) return undefined;
  return `${counted(never, "contaminated client")} ${never === 1 ? "was" : "were"} never sampled`;
}

/** By the task's primary metric, of the clients or of the coordinator; else by the first that clients measured. */
function comparisonClause(run: Run): string | undefined {
  const { primary } = run.description;
  const comparison = compareMethods(run, 1);
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

function differing(n: number, rows: readonly MethodRow[]): string {
  const each = rows.flatMap(({ label, measured }) =>
    measured === undefined ? [] : [`${label} ${measured}`],
  );
  return `, over the ${counted(n, "client")} measured under every method (${each.join(", ")})`;
}

function coordinatorClause(run: Run, metric: string): string | undefined {
  const methods = run.arms.map(({ label }) => ({ label, last: recordsOf(run, label).at(-1) }));
  const [main, ...baselines] = methods;
  const own = metricOf(main?.last?.metrics, metric);
  if (own === undefined) return undefined;
  const against = baselines.flatMap(({ label, last }) => {
    const value = last?.round === main?.last?.round ? metricOf(last?.metrics, metric) : undefined;
    return value === undefined ? [] : [`${value.toPrecision(3)} (${label})`];
  });
  return `${metric} ${own.toPrecision(3)}${againstText(against)}`;
}

function failureClause(records: readonly ArmRecord[]): string | undefined {
  const failures = records.flatMap(({ clients }) =>
    clients.flatMap(({ failure }) => failure ?? []),
  );
  const late = failures.filter(({ code }) => code === "STRAGGLER").length;
  const failed = failures.length - late;
  const clauses = [
    ...(late > 0 ? [`${counted(late, "answer")} of stragglers left out`] : []),
    ...(failed > 0 ? [`${counted(failed, "answer")} of its clients failed`] : []),
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

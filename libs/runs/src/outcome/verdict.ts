import { printable } from "@fedclair/core/internal";
import { isSpaced } from "../measures/client-history.js";
import type { DetectionTotals } from "../measures/detection.js";
import { lossText, totalLosses } from "../measures/losses.js";
import { ownProperty } from "../measures/measure.js";
import { countNoun } from "../words/numbers.js";
import type { Run } from "../run/read-run.js";
import { compareArms, comparePrimary, type ArmMean, type ArmRow } from "./arm-rows.js";
import { isBetter } from "./verdict-card.js";

/** Limit for the whole sentence, since reasons from records may be long. */
const maxBytes = 8192;

/**
 * Summarises a run in a sentence computed from its records. It reports the flagged clients and
 * compares the benign clients' results with the baselines: `clair flagged 7 of 7 contaminated
 * clients in every round (4), with no false alarm; benign accuracy 0.910 against 0.850 (local) and
 * 0.620 (fedavg).`
 */
export function verdictSentence(run: Run): string {
  const main = run.arms[0].label;
  const rounds = run.rounds.get(main) ?? 0;
  const parts = [
    `${main} ${detectionClause(run)}`,
    clearedClause(run),
    clientsClause(run),
    absentClause(run),
    comparisonClause(run),
    failureClause(run),
    failedAttacksClause(run),
    lossClause(run),
  ];
  const sentence = parts.filter((part) => part !== undefined).join("; ") + ".";
  const all = run.trial.rounds;
  if (ownProperty(run.summary.stopped, main) !== undefined) {
    const stopped = `${main} stopped after ${rounds} of ${countNoun(all, "round")}.`;
    const until = rounds === 0 ? [] : [`Until then ${sentence}`];
    return printable([stopped, ...until, ...baselinesSentence(run)].join(" "), maxBytes);
  }
  if (run.isRunning === true && !run.isFinished) return soFar(run, rounds, sentence);
  if (rounds === 0) return "Stopped before the end of the first round.";
  const until = rounds < all ? `after ${rounds} of ${countNoun(all, "round")}` : "in a baseline";
  return printable(run.isFinished ? sentence : `Stopped ${until}: ${sentence}`, maxBytes);
}

/** Says what is known about a run that is still being written. */
function soFar({ trial }: Run, rounds: number, sentence: string): string {
  if (rounds === 0) return "The first round is running; nothing is known yet.";
  const until =
    rounds < trial.rounds
      ? `After ${rounds} of ${countNoun(trial.rounds, "round")}`
      : "While the baselines run";
  return printable(`${until}: ${sentence}`, maxBytes);
}

function detectionClause({ detection }: Run): string {
  const { open } = detection;
  if (!open) return "judges no clients";
  const { judged, flagged } = open.unknown;
  const { count, reason } = open.undecided;
  const unknown = `flagged ${flagged} of ${countNoun(judged, "client")} of unknown truth in the last round`;
  const why = reason === undefined ? "" : ` (${reason})`;
  const undecided = `undecided about ${countNoun(count, "client")} in the last round${why}`;
  return [
    knownTruthClause(detection, judged > 0),
    judged > 0 ? unknown : undefined,
    count > 0 ? undecided : undefined,
  ]
    .filter((clause) => clause !== undefined)
    .join("; ");
}

/**
 * Describes the verdicts on clients of known truth; undefined if there are none.
 * @param isOpen whether clients of unknown truth were judged too
 */
function knownTruthClause(detection: DetectionTotals, isOpen: boolean): string | undefined {
  const { last, rounds, total, exact, isSteady, hasUnjudged } = detection;
  if (!last) return undefined;
  const span = rounds === 1 ? "in the only round" : `over ${rounds} rounds`;
  const alarms =
    total.falseAlarms === 0 ? "no false alarm" : countNoun(total.falseAlarms, "false alarm");
  if (total.contaminated === 0) {
    const none = isOpen
      ? "none of the clients that it judged is known to be contaminated"
      : "none of the clients that it judged is contaminated";
    const flaggedNone = isOpen ? "flagged no client known to be benign" : "flagged nobody";
    return total.falseAlarms === 0
      ? `${flaggedNone}, and ${none}`
      : `raised ${alarms} ${span}; ${none}`;
  }
  const who = `${hasUnjudged ? "judged " : ""}contaminated clients`;
  const inLast = `flagged ${last.hits} of ${last.contaminated} ${who}`;
  if (isSteady) {
    return `${inLast} ${rounds === 1 ? span : `in every round (${rounds})`}, with ${alarms}`;
  }
  const overall = `${total.hits} of ${total.contaminated}`;
  const tail = `${span}, with ${alarms}; flagged exactly the contaminated clients in ${exact.rounds} of the ${countNoun(exact.of, "round")} with any`;
  return last.contaminated === 0
    ? `flagged ${overall} ${who} ${tail}`
    : `${inLast} in the last round, ${overall} ${tail}`;
}

/** Says what benign verdicts of the last round exclude; undefined if there are none. */
function clearedClause({ arms: [main], last }: Run): string | undefined {
  const { cleared = [], clients = [] } = last.get(main.label) ?? {};
  if (cleared.length === 0 || !clients.some(({ verdict }) => verdict === "benign"))
    return undefined;
  return `benign in the last round means cleared of ${listItems([...cleared])}`;
}

/** Describes the last verdict on each client, if rounds judge different clients. */
function clientsClause({ detection: { clients } }: Run): string | undefined {
  if (!clients) return undefined;
  const { contaminated, benign, hits, falseAlarms } = clients;
  return `when last judged, ${hits} of ${contaminated} contaminated clients were flagged, and ${falseAlarms} of ${benign} benign`;
}

/**
 * Counts the contaminated clients that were in no cohort, so that they could not be flagged. The
 * number is an estimate if the run follows evenly spaced clients only.
 */
function absentClause({ description, clients, spacing }: Run): string | undefined {
  const followed = [...description.attacks.keys()].filter((id) => isSpaced(id, spacing.clients));
  const never = followed.filter((id) => !clients.has(id)).length * spacing.clients;
  if (never === 0) return undefined;
  const about = spacing.clients === 1 ? "" : "about ";
  return `${about}${countNoun(never, "contaminated client")} never took part`;
}

/** Compares the main arm with the others. */
function comparisonClause(run: Run): string | undefined {
  const { metric = "", means: [own, ...others] = [] } = comparePrimary(run) ?? {};
  if (own?.label !== run.arms[0].label) return undefined;
  const value = `${metric} ${own.mean.toPrecision(3)}${againstClause(others)}`;
  if (own.n === undefined) return value;
  const { rows, clientsDiffer } = compareArms(run, 1);
  return (
    `${describeClients(run)} ${value}` +
    betterClause(run, metric, own.mean, others) +
    sharedDataClause(run, metric) +
    (clientsDiffer ? differenceClause(own.n, rows) : "")
  );
}

/**
 * Compares the arms on data common to all clients too, if some arms have personal models and others
 * a shared one: a personal model may be good on its client's own data only.
 */
function sharedDataClause(run: Run, metric: string): string {
  const common = run.description.metrics[metric]?.onSharedData;
  const { personal = [] } = run.summary;
  if (common === undefined) return "";
  const [own, ...others] = compareArms(run, Infinity).rows.flatMap(({ label, means }) => {
    const mean = means.get(common)?.mean;
    return mean === undefined ? [] : [{ label, mean, isPersonal: personal.includes(label) }];
  });
  if (!own || others.every(({ isPersonal }) => isPersonal === own.isPersonal)) return "";
  return `; on data common to all, where personal and shared models compare: ${common} ${own.mean.toPrecision(3)}${againstClause(others)}`;
}

/** Reports the baselines' results if the main arm stopped and cannot be compared with them. */
function baselinesSentence(run: Run): string[] {
  const { metric = "", means: [first, ...others] = [] } = comparePrimary(run) ?? {};
  if (!first) return [];
  const whose = first.n === undefined ? "" : `${describeClients(run)} `;
  return [`Baselines: ${whose}${metric} ${listMeans([first, ...others])}.`];
}

/**
 * Names the baseline that serves the clients better than the main arm, if there is one. Baselines
 * that know which clients are benign do not count.
 */
function betterClause(
  { description }: Run,
  metric: string,
  own: number,
  others: readonly ArmMean[],
): string {
  const { better = "higher" } = description.metrics[metric] ?? {};
  const direction = { higher: 1, lower: -1 }[better];
  const [best] = others
    .filter(({ benignOnly }) => !benignOnly)
    .sort((x, y) => direction * (y.mean - x.mean));
  if (!best || description.metrics[metric] === undefined) return "";
  return isBetter(best.mean, own, better) ? `: ${best.label} serves them better` : "";
}

/**
 * Returns the adjective for the clients that measured. Clients of unknown truth cannot be called
 * benign.
 */
function describeClients(run: Run): string {
  return run.summary.truth === "unknown" ? "clients'" : "benign";
}

function differenceClause(n: number, rows: readonly ArmRow[]): string {
  const each = rows.flatMap(({ label, measured }) =>
    measured === undefined ? [] : [`${label} ${measured}`],
  );
  return `, over the ${countNoun(n, "client")} measured in every arm (${each.join(", ")})`;
}

function failureClause({ failures: { training } }: Run): string | undefined {
  const { late, failed } = training;
  const clauses = [
    ...(late > 0 ? [`${countNoun(late, "answer")} of stragglers left out`] : []),
    ...(failed > 0 ? [`${countNoun(failed, "answer")} of its clients failed`] : []),
  ];
  return clauses.length === 0 ? undefined : clauses.join(", ");
}

/** Names the attacks that never took effect, because all of their clients failed. */
function failedAttacksClause({ summary: { failedAttacks = {} } }: Run): string | undefined {
  const clauses = Object.entries(failedAttacks).map(
    ([attack, why]) => `no client of ${attack} sent a usable update (${why})`,
  );
  return clauses.length === 0 ? undefined : clauses.join(", ");
}

function lossClause({ summary }: Run): string | undefined {
  const losses = totalLosses(summary);
  return losses.lost === 0 ? undefined : `${lossText(losses)}, over all arms`;
}

function againstClause(others: readonly Pick<ArmMean, "label" | "mean">[]): string {
  return others.length === 0 ? "" : ` against ${listMeans(others)}`;
}

/** Lists means with their arms: `0.850 (local) and 0.620 (fedavg)`. */
function listMeans(means: readonly Pick<ArmMean, "label" | "mean">[]): string {
  return listItems(means.map(({ label, mean }) => `${mean.toPrecision(3)} (${label})`));
}

/** Lists items in a sentence: `a, b and c`. */
export function listItems(items: readonly string[]): string {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1) ?? ""}`;
}

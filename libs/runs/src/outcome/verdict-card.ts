import {
  countAttacked,
  explainDoubtfulClients,
  printable,
  type ClientRecord,
  type Trial,
} from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import { countsOf, type DetectionCounts } from "../measures/detection.js";
import { isAboveGuessing } from "../measures/guessing.js";
import { ownProperty, readMetric, type Measure } from "../measures/measure.js";
import type { Summary } from "../measures/summary.js";
import { clientTruth, isFlagged, type ClientTruth } from "../measures/truth.js";
import { formatNumber } from "../words/numbers.js";
import type { Run } from "../run/read-run.js";
import { comparePrimary } from "./arm-rows.js";
import { findMistake } from "./client-rows.js";

/**
 * How a result looks: good, bad, open if something is undecided or not known yet, and plain if
 * nothing can be said against it or for it.
 */
export type Tone = "bad" | "open" | "good" | "plain";

/** The strongest first: a card has that of its parts. */
const byStrength: readonly Tone[] = ["bad", "open", "good", "plain"];

/** The result of a run at a glance. */
export interface VerdictCard {
  readonly tone: Tone;
  /** Such as `9 of 9 contaminated flagged`, `accuracy 0.849 (+0.026 over local)`. */
  readonly parts: readonly string[];
  /** The names behind the counts, a line per kind: `flagged: Washington, Lincoln and 12 more`. */
  readonly who?: readonly string[];
}

/** A part of the card. */
export interface CardPart {
  readonly tone: Tone;
  readonly text: string;
}

/** The last verdicts, counted. */
interface VerdictTotals extends Omit<DetectionCounts, "unknown"> {
  /** Was a contaminated client called benign? */
  readonly isMissed: boolean;
  readonly unknown?: DetectionCounts["unknown"] | undefined;
  readonly undecided: number;
}

/** Limit for a part, whose metric and arms may come from a record. */
const maxBytes = 400;

/** More baselines would not be read at a glance; the table has all. */
const maxBaselines = 3;

/** More names would not be read at a glance; the table has all. */
const maxNames = 10;

/**
 * Sums up a run in a few words. It says how many contaminated clients were flagged, how many benign
 * ones were flagged by mistake, and who they are. Then it compares how well the benign ones do with
 * the best baselines; those that know who is benign are left out.
 */
export function verdictCard(run: Run): VerdictCard {
  const { trial, description, detection, clients } = run;
  const { open, last } = detection;
  const isMissed = [...clients.values()].some((one) => findMistake(one.last) === "missed");
  const counts = { ...none, ...last, ...detection.clients, isMissed };
  const parts = [
    ...doubtPart(trial, description.attacks.size),
    ...verdictParts({ ...counts, unknown: open?.unknown, undecided: open?.undecided.count ?? 0 }),
    ...gainPart(run),
  ];
  const hasStopped = ownProperty(run.summary.stopped, run.arms[0].label) !== undefined;
  const ending: Tone = hasStopped ? "bad" : run.isFinished ? "plain" : "open";
  return { ...createCard(parts, ending), who: whoTexts(run) };
}

/** Names the clients that the card counts, by their last verdicts. */
function whoTexts({ clients, description: { label } }: Run): string[] {
  const list = (title: string, isMeant: (client: ClientRecord) => boolean) => {
    const ids = [...clients].filter(([, { last }]) => isMeant(last)).map(([id]) => id);
    return nameLine(
      title,
      ids.toSorted().map((id) => label(id) || id),
    );
  };
  const flagged = (truth: ClientTruth) => (client: ClientRecord) =>
    isFlagged(client) && clientTruth(client) === truth;
  return [
    ...list("flagged", flagged("contaminated")),
    ...list("flagged, truth unknown", flagged("unknown")),
    ...list("flagged by mistake", flagged("benign")),
    ...list("missed", (client) => findMistake(client) === "missed"),
  ];
}

/** A line with the first names, or no line without any. */
export function nameLine(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > maxNames ? ` and ${names.length - maxNames} more` : "";
  return [printable(`${title}: ${names.slice(0, maxNames).join(", ")}${more}`, maxBytes)];
}

/**
 * The verdicts of a finished run at a glance, from its summary alone: a list of runs cannot read
 * all records. Clients of unknown truth are not counted.
 */
export function summaryCard(trial: Trial, { details }: Summary): VerdictCard {
  const find = (...metrics: readonly string[]) => {
    const measures = metrics.map((metric) => details.find((one) => isDetection(one, metric)));
    const measure = measures.find((one) => one !== undefined);
    return measure && countsOf(measure);
  };
  const flagged = find("recallOfClients", "recall") ?? { hits: 0, of: 0 };
  const alarms = find("falseAlarmsOfClients", "falseAlarms") ?? { hits: 0, of: 0 };
  const open = find("undecidedContaminated")?.hits ?? 0;
  const counts = {
    contaminated: flagged.of,
    hits: flagged.hits,
    isMissed: flagged.hits + open < flagged.of,
    benign: alarms.of,
    falseAlarms: alarms.hits,
    undecided: details.find((one) => isDetection(one, "undecided"))?.value ?? 0,
  };
  const attacked = sum(trial.attacks.map((entry) => countAttacked(entry, trial.clients)));
  return createCard([...doubtPart(trial, attacked), ...verdictParts(counts)], "plain");
}

function isDetection({ scope, metric, attack }: Measure, wanted: string): boolean {
  return scope === "detection" && metric === wanted && attack === undefined;
}

/** @param ending what is to be said about the run's end, besides its parts */
export function createCard(parts: readonly CardPart[], ending: Tone): VerdictCard {
  const tones = [...parts.map((part) => part.tone), ending];
  const tone = byStrength.find((one) => tones.includes(one)) ?? "plain";
  return { tone, parts: parts.map(({ text }) => printable(text, maxBytes)) };
}

/** Says that no rule can judge the clients, if that follows from the trial. */
function doubtPart(trial: Trial, attacked: number): CardPart[] {
  if (explainDoubtfulClients(trial, attacked) === undefined) return [];
  const why = trial.clients === 2 ? "two clients" : "more than half contaminated";
  return [{ tone: "bad", text: `not to be trusted: ${why}` }];
}

/** The last verdicts, compared with the truth where it is known. */
function verdictParts({
  contaminated,
  benign,
  hits,
  falseAlarms,
  isMissed,
  unknown,
  undecided,
}: VerdictTotals): CardPart[] {
  const parts: CardPart[] = [];
  if (contaminated > 0) {
    const tone = hits === contaminated ? "good" : isMissed ? "bad" : "open";
    parts.push({ tone, text: `${hits} of ${contaminated} contaminated flagged` });
  }
  if (benign > 0) {
    const text = `${falseAlarms} of ${benign} false ${benign === 1 ? "alarm" : "alarms"}`;
    parts.push({ tone: falseAlarms > 0 ? "bad" : "good", text });
  }
  const { judged, flagged } = unknown ?? { judged: 0, flagged: 0 };
  if (judged > 0) parts.push({ tone: "open", text: `${flagged} of ${judged} flagged` });
  if (undecided > 0) parts.push({ tone: "open", text: `${undecided} undecided` });
  return parts;
}

const none = { contaminated: 0, benign: 0, hits: 0, falseAlarms: 0 };

/** The task's metric in the main arm, and how much better that is than in the baselines. */
function gainPart(run: Run): CardPart[] {
  const { metric, means: [own, ...all] = [] } = comparePrimary(run) ?? {};
  if (metric === undefined || own?.label !== run.arms[0].label) return [];
  const { better } = ownProperty(run.description.metrics, metric) ?? {};
  const strongest = all
    .filter(({ benignOnly }) => !benignOnly)
    .toSorted((x, y) => (better === "lower" ? x.mean - y.mean : y.mean - x.mean))
    .slice(0, maxBaselines);
  const [best] = strongest;
  const texts = strongest.map(
    ({ label, mean }) => `${compareMeans(own.mean, mean, better)} ${label}`,
  );
  const against = texts.length === 0 ? "" : ` (${texts.join(", ")})`;
  const isWorse = best && better !== undefined && isBetter(best.mean, own.mean, better);
  const tone = !best || better === undefined ? "plain" : isWorse === true ? "bad" : "good";
  const guess = readMetric(run.summary.guessing, metric);
  const isGuess = guess !== undefined && !isAboveGuessing(own.mean, guess, better);
  return [
    { tone, text: `${metric} ${formatNumber(own.mean)}${against}` },
    ...(isGuess ? [{ tone: "bad" as const, text: "no better than guessing" }] : []),
  ];
}

/** Is a baseline's mean better, so far that the card does not call both the same? */
export function isBetter(baseline: number, own: number, better: "higher" | "lower"): boolean {
  if (compareMeans(own, baseline, better) === "the same as") return false;
  return better === "lower" ? baseline < own : baseline > own;
}

/**
 * Says how a mean differs from a baseline's: `+0.026 over` of a share; `5.2 times lower than` of an
 * error, since the size of one depends on the data.
 */
export function compareMeans(
  own: number,
  baseline: number,
  better: "higher" | "lower" | undefined,
): string {
  if (own === baseline) return "the same as";
  if (better === "lower" && own > 0 && baseline > 0) {
    const isLower = own <= baseline;
    const times = isLower ? baseline / own : own / baseline;
    if (times.toPrecision(3) === "1.00") return "the same as";
    return `${Number(times.toPrecision(times < 1.1 ? 3 : 2))} times ${isLower ? "lower" : "higher"} than`;
  }
  const size = formatNumber(Math.abs(own - baseline));
  return own < baseline ? `${size} under` : `+${size} over`;
}

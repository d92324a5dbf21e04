import {
  clientEvaluations,
  clientTruth,
  compareMeans,
  comparePrimary,
  countNoun,
  displayName,
  farthestText,
  findMistake,
  formatBytes,
  formatNumber,
  formatShare,
  formatSigned,
  listItems,
  measuringClients,
  ownProperty,
  pairedDifference,
  readMetric,
  sharedEvaluations,
  truthText,
  wilsonInterval,
  type ClientHistory,
  type Run,
  type TrialDescription,
} from "@fedclair/runs";
import { groupBy } from "../figures/group-by.js";
import { Html, html } from "./html.js";

/** More names in a sentence would not be read; the table of clients has all. */
const maxNames = 12;

/**
 * The answer of a run in words, with its certainty: who was flagged and by what margin, who was
 * missed, who is undecided and why, what the clients gained, and what it cost.
 */
export function answerList(run: Run): Html {
  const entries: readonly (readonly [name: string, evidence: string, Sentences])[] = [
    ["Flagged", "figure-scores", flaggedSentences(run)],
    ["Missed", "clients", missedSentences(run)],
    ["Undecided", "clients", undecidedSentences(run)],
    ["Certified", "measures", certificateSentences(run)],
    ["Gained", "arms", gainSentences(run)],
    ["Cost", "figure-cost", costSentences(run)],
  ];
  return html`<dl class="answer">
    ${entries
      .filter(([, , sentences]) => sentences.length > 0)
      .map(
        ([name, evidence, sentences]) =>
          html`<dt><a href="#${evidence}">${name}</a></dt>
            ${sentences.map((sentence) => html`<dd>${sentence}</dd>`)}`,
      )}
  </dl>`;
}

type Sentences = readonly (string | Html)[];

/** The name of a client, which leads to its evidence. */
function linkClient(id: string, description: TrialDescription): Html {
  return html`<a href="#client-${id}">${displayName(id, description)}</a>`;
}

type Named = readonly [clientId: string, history: ClientHistory];

/** The flagged clients, those that were flagged most often and furthest first. */
function flaggedSentences(run: Run): Sentences {
  const { clients, detection, description } = run;
  if (!detection.open) return [];
  const flagged = [...clients]
    .filter(([, { roundsFlagged }]) => roundsFlagged > 0)
    .sort(
      ([, a], [, b]) =>
        b.roundsFlagged - a.roundsFlagged ||
        (b.flaggedRatio?.high ?? Infinity) - (a.flaggedRatio?.high ?? Infinity),
    );
  const describe = ([id, history]: Named) => {
    const { last, roundsFlagged, roundsJudged, flaggedRatio } = history;
    const margin =
      flaggedRatio === undefined ? (last.reason ?? "unusable") : formatRatios(flaggedRatio);
    const farthest = farthestText(last);
    const where = farthest === undefined ? "" : `, ${farthest}`;
    const isFalse = clientTruth(last) === "benign" ? ", a false alarm" : "";
    const text = `(${truthText(last)}${isFalse}) in ${roundsFlagged} of ${countNoun(roundsJudged, "round")}, ${margin}${where}`;
    return html`${linkClient(id, description)} ${text}`;
  };
  return [
    ...(flagged.length === 0 ? ["Nobody."] : listSentences(flagged.map(describe))),
    ...certaintySentences(run),
  ];
}

function formatRatios({ low, high }: { readonly low: number; readonly high: number }): string {
  const ends = new Set([low, high].map(formatRatio));
  return `${[...ends].join("–")} × its threshold`;
}

function formatRatio(ratio: number): string {
  return String(Number(ratio.toPrecision(3)));
}

/** Says how certain the shares are that the verdicts of a run estimate. */
function certaintySentences({ detection, summary }: Run): string[] {
  const counts = detection.clients ?? detection.last;
  if (!counts) return [];
  const { contaminated, benign, hits, falseAlarms } = counts;
  const share = (some: number, all: number, what: string) => {
    if (all === 0) return [];
    const { low, high } = wilsonInterval(some, all);
    return [`${some} of ${all} ${what} (95 % interval of the share: ${formatShare(low, high)})`];
  };
  const shares = [
    ...share(hits, contaminated, "contaminated clients were flagged"),
    ...share(falseAlarms, benign, `${measuringClients(summary)} were flagged by mistake`),
  ];
  return shares.length === 0 ? [] : [`When last judged, ${listItems(shares)}.`];
}

function missedSentences(run: Run): Sentences {
  const { clients, description, detection } = run;
  if (!detection.last) return [];
  const missed = [...clients].filter(([, { last }]) => findMistake(last) === "missed");
  const never = [...description.attacks.keys()].filter((id) => !clients.has(id));
  const undecided = [...clients.values()].filter(
    ({ last }) => last.verdict === "undecided" && clientTruth(last) === "contaminated",
  ).length;
  const describe = ([id, { last, roundsFlagged, roundsJudged, highestRatio }]: Named) => {
    const most =
      highestRatio === undefined
        ? "no score"
        : `at most ${formatRatio(highestRatio)} × its threshold`;
    const text = `(${truthText(last)}), flagged in ${roundsFlagged} of ${countNoun(roundsJudged, "round")}, ${most}`;
    return html`${linkClient(id, description)} ${text}`;
  };
  if (missed.length + never.length === 0) {
    if ((detection.clients ?? detection.last).contaminated === 0) return [];
    return undecided === 0
      ? ["Nobody."]
      : [`Nobody, but ${countNoun(undecided, "contaminated client")} ended undecided.`];
  }
  return [
    ...listSentences(missed.map(describe)),
    ...(never.length === 0 ? [] : [`Never took part: ${listNamed(never, ", ")}.`]),
  ];
}

/** The clients that the last judgement left undecided, by its reason. */
function undecidedSentences({ clients, description }: Run): Sentences {
  const undecided = [...clients].filter(([, { last }]) => last.verdict === "undecided");
  const byReason = groupBy(undecided.slice(0, maxNames), ([, { last }]) => [last.reason ?? ""]);
  const nameOf = ([id, { last, roundsUndecided }]: Named) => {
    const text = `(${truthText(last)}; in ${countNoun(roundsUndecided, "round")})`;
    return html`${linkClient(id, description)} ${text}`.text;
  };
  return [
    ...byReason.map((group) => {
      const { reason = "no reason is given" } = group[0][1].last;
      const names = new Html(group.map(nameOf).join(", "));
      return html`${names}: ${reason.replace(/\.$/, "")}.`;
    }),
    ...countMore(undecided.length - maxNames),
  ];
}

/** Says whether other clients than the benign ones would explain the updates as well. */
function certificateSentences({ arms: [main], last }: Run): string[] {
  const metrics = last.get(main.label)?.metrics;
  const margin = readMetric(metrics, "identifiable.margin");
  if (margin === undefined) return [];
  const times = `margin ${formatRatio(margin)}`;
  return [
    readMetric(metrics, "identifiable.certified") === 1
      ? `In the last round (${times}): if most clients are benign, no other space explains most of their updates as well.`
      : `Not in the last round (${times}): another group of clients explains the updates nearly as well.`,
  ];
}

/** Compares the main arm with each baseline by the metric that arms are compared by. */
function gainSentences(run: Run): string[] {
  const { arms, last, summary, description } = run;
  const { metric = "", means: [own, ...others] = [] } = comparePrimary(run) ?? {};
  if (own?.label !== arms[0].label) return [];
  if (own.n === undefined) {
    const against = others.map(({ label, mean }) => `${formatNumber(mean)} (${label})`);
    return [
      `The coordinator measured ${metric} ${formatNumber(own.mean)}${against.length === 0 ? "" : ` against ${listItems(against)}`}.`,
    ];
  }
  const [ours = new Map<string, never>(), ...theirs] = sharedEvaluations(
    [own, ...others].map(({ label }) => clientEvaluations(last.get(label)?.clients ?? [])),
    metric,
  );
  const { better } = ownProperty(description.metrics, metric) ?? {};
  const differences = others.map(({ label, mean, benignOnly }, i) => {
    const difference = pairedDifference(
      [...ours].map(([id, metricsOf]) => [
        readMetric(metricsOf, metric) ?? NaN,
        readMetric(theirs[i]?.get(id), metric) ?? NaN,
      ]),
    );
    const size = formatSigned(difference);
    const text =
      better === "lower"
        ? `${compareMeans(own.mean, mean, better)} ${label} (${size})`
        : `${size} against ${label}`;
    return `${text}${benignOnly ? ", which knows who is benign" : ""}`;
  });
  const direction = better === undefined ? "" : `, ${better} is better`;
  return [
    `Mean ${metric} of the ${measuringClients(summary)} (${ours.size}): ${formatNumber(own.mean)}${direction}.`,
    ...(differences.length === 0
      ? []
      : [
          `${listNamed(differences, "; ")}. ${ours.size > 1 ? "In brackets: 95 % interval over these clients. " : ""}Another seed may differ more.`,
        ]),
  ];
}

function costSentences({ arms, summary, timings, trial, last }: Run): string[] {
  const bytes = (metric: string) =>
    summary.details.find((one) => one.scope === "bytes" && one.metric === metric)?.value;
  const [down, up] = [bytes("down"), bytes("up")];
  const { clock } = last.get(arms[0].label) ?? {};
  const parts = [
    timings.total &&
      `${timings.total.seconds.toPrecision(3)} s in the rounds of ${arms.length === 1 ? arms[0].label : `all ${arms.length} arms`}`,
    trial.devices && clock !== undefined && `${formatNumber(clock)} s of simulated time`,
    down !== undefined &&
      up !== undefined &&
      `${formatBytes(down)} to the clients of ${arms[0].label} and ${formatBytes(up)} back`,
    timings.total && `${formatBytes(timings.total.coordinatorRss)} of memory at the coordinator`,
  ].filter((part) => typeof part === "string");
  return parts.length === 0 ? [] : [`${parts.join("; ")}.`];
}

/** A sentence for each client, as far as they would be read. */
function listSentences(texts: readonly Html[]): Sentences {
  return [
    ...texts.slice(0, maxNames).map((text) => html`${text}.`),
    ...countMore(texts.length - maxNames),
  ];
}

function countMore(more: number): string[] {
  return more > 0 ? [`And ${more.toLocaleString("en-US")} more, which the table below lists.`] : [];
}

/** Joins the first names of a list, and counts the others. */
function listNamed(names: readonly string[], separator: string): string {
  const shown = names.slice(0, maxNames).join(separator);
  return names.length <= maxNames
    ? shown
    : `${shown}${separator}and ${(names.length - maxNames).toLocaleString("en-US")} more, which the table below lists`;
}

import type { Aggregation, Metrics, Verdict } from "@fedclair/core";
import { candidateMeanings, oneLine, type PluginChoice } from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import { countNoun, columns } from "@fedclair/runs";
import { listFirst } from "../adapters/names-text.js";
import { formatMajority } from "../text/verdict.js";
import type { HandedOut } from "./hand-out-adapters.js";
import type { Evaluation, OfferedKind } from "./hand-out-measured.js";
import type { SentRound } from "./read-round.js";

/** The content of `verdicts.json`, which `--json` prints. */
export interface RoundReport extends HandedOut {
  readonly round: number;
  readonly aggregator: PluginChoice;
  /** All clients, sorted by name. `status` is null if the aggregator returns no verdicts. */
  readonly clients: readonly ClientReport[];
  /** The kinds of attackers that benign clients are cleared of; absent if none were planted. */
  readonly cleared?: readonly string[];
  readonly metrics: Metrics;
  /** Names of tensors that are not LoRA pairs and were not averaged. */
  readonly ignored: readonly string[];
}

type ClientReport = { readonly name: string } & Pick<Verdict, "score" | "threshold"> &
  Partial<Pick<Verdict, "reason" | "evidence">> & { readonly status: Verdict["status"] | null };

export function createRoundReport({
  round,
  choice,
  sent,
  aggregation: { verdicts = [], cleared, metrics = {}, notice },
  handed,
  said,
}: {
  readonly round: number;
  readonly choice: PluginChoice;
  readonly sent: SentRound;
  readonly aggregation: Aggregation;
  readonly handed: HandedOut;
  /** What may surprise about the result. */
  readonly said: readonly string[];
}): RoundReport {
  const verdictsByName = new Map(verdicts.map((verdict) => [verdict.clientId, verdict]));
  const none = { score: null, threshold: null };
  const judged = sent.updates.map(({ clientId: name }): ClientReport => {
    const verdict = verdictsByName.get(name);
    if (verdict === undefined) return { name, status: null, ...none };
    const { clientId, ...rest } = verdict;
    return { name: clientId, ...rest };
  });
  const unfit = [...sent.faults].map(([name, reason]): ClientReport => {
    return { name, status: "invalid", ...none, reason };
  });
  const others = [...sent.adapters.values()].flatMap(({ others: own }) => [...own.keys()]);
  return {
    round,
    aggregator: choice,
    ...(cleared && { cleared }),
    metrics,
    ...handed,
    clients: [...judged, ...unfit].sort((x, y) => (x.name < y.name ? -1 : 1)),
    ignored: [...new Set(others)],
    warnings: [
      ...(choice.name === "clair" ? listWarnings(verdicts) : []),
      ...[...(notice === undefined ? [] : [notice]), ...said].map((text) => `${text}.`),
      ...handed.warnings,
    ],
  };
}

function listWarnings(verdicts: readonly Verdict[]): readonly string[] {
  const compared = verdicts.filter(({ score }) => score !== null);
  const flagged = compared.filter(({ status }) => status === "contaminated").length;
  return 3 * flagged > compared.length ? [formatMajority(flagged, compared.length, "client")] : [];
}

/** Formats one row per client, highest score first, below a row of headings. */
export function formatRoundTable({ clients }: RoundReport): string[][] {
  const number = (x: number | null) => (x === null ? "–" : x.toPrecision(3));
  const rows = clients
    .toSorted((x, y) => (y.score ?? Infinity) - (x.score ?? Infinity))
    .map(({ name, status, score, threshold, reason }) => [
      oneLine(name),
      status ?? "–",
      number(score),
      number(threshold),
      oneLine(reason ?? ""),
    ]);
  return [["client", "status", "score", "threshold", "why"], ...rows];
}

/** Describes the verdicts and the files that were written. */
export function formatRoundSentences(report: RoundReport, out: string): string[] {
  const {
    round,
    aggregator,
    clients,
    cleared = [],
    personal,
    hasGlobal,
    discarded,
    evaluation,
    ignored,
    warnings,
  } = report;
  const count = (wanted: string) => clients.filter(({ status }) => status === wanted).length;
  const isJudged = clients.some(({ status }) => status !== null && status !== "invalid");
  const found = isJudged
    ? `: ${count("contaminated")} contaminated, ${count("undecided")} undecided`
    : "";
  const own = `personal, ${countNoun(personal.length, "adapter")} for single clients`;
  const written = [
    ...(hasGlobal ? ["global, the adapter for all"] : []),
    ...(personal.length > 0 ? [own] : []),
  ];
  const percent = (100 * (1 - discarded)).toFixed(1);
  const rest =
    percent === "100.0"
      ? ""
      : `; they hold ${percent} % of the energy, the rest needs a higher rank (--rank)`;
  return [
    `Round ${round}, ${aggregator.name} on ${countNoun(clients.length, "client")}${found}.`,
    ...(count("benign") > 0 && cleared.length > 0
      ? [
          `Benign means cleared of ${cleared.join(", ")}: planted attackers of these kinds stood out.`,
        ]
      : []),
    `In ${oneLine(out)}: ${written.length > 0 ? written.join("; ") : "no adapter"}${rest}.`,
    ...(evaluation ? [describeEvaluation(evaluation)] : []),
    ...(ignored.length > 0
      ? [`Not LoRA pairs, therefore not averaged: ${listFirst(ignored)}.`]
      : []),
    ...warnings.map((text) => `Warning: ${text}`),
  ];
}

/** Says which versions have the lowest losses. */
function describeEvaluation({ clients }: Evaluation): string {
  const mean = (lossOf: (one: Evaluation["clients"][number]) => number | null) =>
    (sum(clients.map((one) => lossOf(one) ?? Infinity)) / clients.length).toPrecision(4);
  const counts = new Map<OfferedKind, string[]>();
  for (const { name, chosen } of clients) {
    counts.set(chosen, [...(counts.get(chosen) ?? []), name]);
  }
  const kinds = [...counts].map(([kind, names]) => {
    const what = kind === "global" ? kind : candidateMeanings[kind];
    return `${what} for ${names.length} (${listFirst(names)})`;
  });
  return (
    `The versions with the lowest losses were written: ${kinds.join("; ")}. Mean loss ${mean(({ losses, chosen }) => losses[chosen])}; ` +
    `${mean(({ losses }) => losses.own)} with the clients' own adapters, ${mean(({ losses }) => losses.global)} with global. ` +
    "On other data expect a smaller gain, because these losses made the choice."
  );
}

/** Formats the report for the terminal. */
export function formatRoundReport(report: RoundReport, out: string): string {
  const table = columns(formatRoundTable(report), ["left", "left", "right", "right", "left"]);
  return [table, "", ...formatRoundSentences(report, out), ""].join("\n");
}

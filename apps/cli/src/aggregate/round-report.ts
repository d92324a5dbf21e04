import type { Aggregation, Metrics, Verdict } from "@fedclair/core";
import { oneLine, type PluginChoice } from "@fedclair/core/internal";
import { countNoun, columns } from "@fedclair/runs";
import { firstOf } from "../adapters/names-text.js";
import type { HandedOut } from "./hand-out.js";
import type { SentRound } from "./read-round.js";

/** What `verdicts.json` holds, and `--json` prints. */
export interface RoundReport extends HandedOut {
  readonly round: number;
  readonly aggregator: PluginChoice;
  /** Of every client, by name; `status` null where the aggregator judges nobody. */
  readonly clients: readonly ClientReport[];
  readonly metrics: Metrics;
  /** Names of tensors that are no LoRA pairs, which nobody averaged. */
  readonly ignored: readonly string[];
}

type ClientReport = { readonly name: string } & Pick<Verdict, "score" | "threshold"> &
  Partial<Pick<Verdict, "reason" | "evidence">> & { readonly status: Verdict["status"] | null };

export function roundReport({
  round,
  choice,
  sent,
  aggregation: { verdicts = [], metrics = {} },
  handed,
}: {
  readonly round: number;
  readonly choice: PluginChoice;
  readonly sent: SentRound;
  readonly aggregation: Aggregation;
  readonly handed: HandedOut;
}): RoundReport {
  const known = new Map(verdicts.map((verdict) => [verdict.clientId, verdict]));
  const none = { score: null, threshold: null };
  const judged = sent.updates.map(({ clientId: name }): ClientReport => {
    const verdict = known.get(name);
    if (verdict === undefined) return { name, status: null, ...none };
    const { clientId, ...said } = verdict;
    return { name: clientId, ...said };
  });
  const unfit = [...sent.faults].map(([name, reason]): ClientReport => {
    return { name, status: "invalid", ...none, reason };
  });
  const others = [...sent.adapters.values()].flatMap(({ others: own }) => [...own.keys()]);
  return {
    ...{ round, aggregator: choice, metrics, ...handed },
    clients: [...judged, ...unfit].sort((x, y) => (x.name < y.name ? -1 : 1)),
    ignored: [...new Set(others)],
  };
}

/** For people: a row a client, the suspects first; the heads come first of all. */
export function roundTable({ clients }: RoundReport): string[][] {
  const number = (x: number | null) => (x === null ? "–" : x.toPrecision(3));
  const rows = clients
    .toSorted((x, y) => (y.score ?? Infinity) - (x.score ?? Infinity))
    .map(({ name, status, score, threshold, reason }) => [
      ...[oneLine(name), status ?? "–", number(score), number(threshold)],
      oneLine(reason ?? ""),
    ]);
  return [["client", "status", "score", "threshold", "why"], ...rows];
}

/** What was found, and what was written. */
export function roundSentences(report: RoundReport, out: string): string[] {
  const { round, aggregator, clients, personal, hasGlobal, discarded, ignored } = report;
  const count = (wanted: string) => clients.filter(({ status }) => status === wanted).length;
  const isJudged = clients.some(({ status }) => status !== null && status !== "invalid");
  const found = isJudged
    ? `: ${count("contaminated")} contaminated, ${count("undecided")} undecided`
    : "";
  const own = `${countNoun(personal.length, "adapter")} of clients' own in personal`;
  const written = [
    ...(hasGlobal ? ["global, the adapter for all"] : []),
    ...(personal.length > 0 ? [own] : []),
  ];
  const kept = (100 * (1 - discarded)).toFixed(1);
  const rest =
    kept === "100.0" ? "" : `; with ${kept} % of the energy, the rest takes a higher rank (--rank)`;
  return [
    `Round ${round}, ${aggregator.name} on ${countNoun(clients.length, "client")}${found}.`,
    `In ${oneLine(out)}: ${written.length > 0 ? written.join("; ") : "no adapter"}${rest}.`,
    ...(ignored.length > 0 ? [`No LoRA pairs, not averaged: ${firstOf(ignored)}.`] : []),
  ];
}

/** For the terminal. */
export function roundText(report: RoundReport, out: string): string {
  const table = columns(roundTable(report), ["left", "left", "right", "right", "left"]);
  return [table, "", ...roundSentences(report, out), ""].join("\n");
}

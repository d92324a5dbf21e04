import type {
  RoundColumn,
  RoundColumns,
  RoundsData,
  VerdictInRound,
} from "../../src/data/rounds.js";
import { verdictOf } from "./verdicts.js";

/** One piece of evidence about a client in a round. */
export interface PieceInRound {
  readonly kind: string;
  readonly statistic: string;
  readonly deviations: string;
  /** The number of rounds that it covers; a dash if it covers only this one. */
  readonly rounds: string;
}

/** A client in a round. Numbers are texts as in the tables; a dash stands for a missing one. */
export interface ClientInRound {
  readonly index: number;
  readonly verdict: VerdictInRound;
  readonly score: string;
  readonly threshold: string;
  /** Score over threshold; NaN unless it has both. */
  readonly ratio: number;
  readonly metric: string;
  readonly reason: string;
  readonly evidence: readonly PieceInRound[];
  /** The modules in which the client lies farthest outside, the farthest first. */
  readonly modules: readonly { readonly module: string; readonly ratio: number }[];
}

/** Reads the compressed rounds of the page; undefined if it has none. */
export async function unpackRounds(): Promise<RoundsData | undefined> {
  const text = document.getElementById("rounds-data")?.textContent;
  if (text === undefined) return undefined;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return (await new Response(stream).json()) as RoundsData;
}

/** Lists the clients of a round. @param at the position of the round in the data */
export function clientsOf(data: RoundsData, at: number): readonly ClientInRound[] {
  const round = data.rounds[at];
  if (!round) return [];
  const before = read.get(round);
  if (before) return before;
  const clients = listClients(data, round, at);
  read.set(round, clients);
  return clients;
}

const read = new WeakMap<RoundColumns, readonly ClientInRound[]>();

/** A client's score over threshold; NaN if it has none. @param at the position of the round */
export function ratioAt(data: RoundsData, at: number, index: number): number {
  const round = data.rounds[at];
  const place = idsAt(data, at).indexOf(String(index));
  return round && place >= 0 ? readRatios(round)(place) : NaN;
}

const known = new WeakMap<RoundsData["rounds"], readonly (readonly string[])[]>();

/** The indices of the clients of a round, which may be those of an earlier one. */
function idsAt({ rounds }: RoundsData, at: number): readonly string[] {
  let all = known.get(rounds);
  if (!all) {
    let ids: readonly string[] = [];
    all = rounds.map((round) => (ids = round.ids === "" ? ids : round.ids.split(" ")));
    known.set(rounds, all);
  }
  return all[at] ?? [];
}

/** What all rounds have in common, without the evidence of each client in each of them. */
export function overRounds(data: RoundsData) {
  const clients = new Set<number>();
  const ratios: number[] = [];
  const means: { readonly round: number; readonly mean: number; readonly count: number }[] = [];
  for (const [at, round] of data.rounds.entries()) {
    const ratioOf = readRatios(round);
    const metric = readColumn(round.metric);
    const values: number[] = [];
    for (const [i, id] of idsAt(data, at).entries()) {
      clients.add(Number(id));
      ratios.push(ratioOf(i));
      const value = toNumber(metric(i));
      if (data.truths[Number(id)] === undefined && !Number.isNaN(value)) values.push(value);
    }
    const count = values.length;
    const sum = values.reduce((total, value) => total + value, 0);
    if (count > 0) means.push({ round: round.round, mean: sum / count, count });
  }
  return { clients: [...clients], ratios, means };
}

function listClients(data: RoundsData, round: RoundColumns, at: number): ClientInRound[] {
  const scores = readColumn(round.scores);
  const thresholds = readColumn(round.thresholds);
  const metric = readColumn(round.metric);
  const reasons = readColumn(round.reasons);
  const ratios = readRatios(round);
  const evidence = (round.evidence ?? []).map((columns) => columns.map(readColumn));
  return idsAt(data, at).map((id, i) => {
    return {
      index: Number(id),
      verdict: verdictOf(round.verdicts.charCodeAt(i)) ?? "not judged",
      score: scores(i),
      threshold: thresholds(i),
      ratio: ratios(i),
      metric: metric(i),
      reason: data.texts[toNumber(reasons(i))] ?? "",
      evidence: evidence.flatMap(([statistic, deviations, rounds], k) => {
        const value = deviations?.(i) ?? "–";
        if (value === "–") return [];
        const kind = data.kinds[k] ?? "";
        return [
          { kind, statistic: statistic?.(i) ?? "–", deviations: value, rounds: rounds?.(i) ?? "–" },
        ];
      }),
      modules: (round.modules?.[Number(id)] ?? []).map(([text, times]) => {
        return { module: data.texts[text] ?? "", ratio: times };
      }),
    };
  });
}

/** Reads a column as a function of the client's position. */
function readColumn(text: RoundColumn = "–"): (i: number) => string {
  const values = text.split(" ");
  return (i) => (values.length === 1 ? text : (values[i] ?? "–"));
}

/** Reads the scores of a round over their thresholds; NaN for a client that does not have both. */
export function readRatios({ scores, thresholds }: RoundColumns): (i: number) => number {
  const [score, threshold] = [readColumn(scores), readColumn(thresholds)];
  return (i) => {
    const limit = toNumber(threshold(i));
    return limit > 0 ? toNumber(score(i)) / limit : NaN;
  };
}

/** Reads a number of a table, like `1,234`. @returns NaN for a dash */
export function toNumber(text: string): number {
  return text === "–" ? NaN : Number(text.replaceAll(",", ""));
}

/**
 * Finds the clients whose evidence in the round is most alike: the Euclidean distance between their
 * deviations, or between their scores over threshold if there is no evidence.
 */
export function findNeighbours(
  clients: readonly ClientInRound[],
  client: ClientInRound,
  count: number,
) {
  const vector = ({ evidence, ratio }: ClientInRound) =>
    evidence.length === 0
      ? new Map([["", ratio]])
      : new Map(evidence.map(({ kind, deviations }) => [kind, toNumber(deviations)]));
  const own = vector(client);
  return clients
    .filter((other) => other.index !== client.index)
    .map((other) => {
      const theirs = vector(other);
      const squares = [...own].map(([kind, value]) => (value - (theirs.get(kind) ?? NaN)) ** 2);
      return { client: other, distance: Math.sqrt(squares.reduce((sum, one) => sum + one, 0)) };
    })
    .filter(({ distance }) => !Number.isNaN(distance))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count);
}

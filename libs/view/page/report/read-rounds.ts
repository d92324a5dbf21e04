import type { RoundData, RoundsData } from "../../src/data/rounds-data.js";

/** One piece of evidence about a client in a round. */
export interface Piece {
  readonly kind: string;
  readonly statistic: string;
  readonly deviations: string;
  /** The number of rounds that it covers; a dash if it covers only this one. */
  readonly rounds: string;
}

/** A client in a round. Numbers are texts as in the tables; a dash stands for a missing one. */
export interface ClientInRound {
  readonly index: number;
  readonly verdict: string;
  readonly score: string;
  readonly threshold: string;
  /** Score over threshold; NaN unless it has both. */
  readonly ratio: number;
  readonly metric: string;
  readonly reason: string;
  readonly evidence: readonly Piece[];
  /** The modules in which the client lies farthest outside, the farthest first. */
  readonly modules: readonly { readonly module: string; readonly ratio: number }[];
}

const verdicts: Readonly<Record<string, string>> = {
  b: "benign",
  c: "contaminated",
  u: "undecided",
  n: "inactive",
  i: "invalid",
  f: "failed",
  "-": "not judged",
};

/** Reads the compressed rounds of the page; undefined if it has none. */
export async function readRounds(): Promise<RoundsData | undefined> {
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
  const known = read.get(round);
  if (known) return known;
  const clients = listClients(data, round, at);
  read.set(round, clients);
  return clients;
}

const read = new WeakMap<RoundData, readonly ClientInRound[]>();

/** A client's score over threshold; NaN if it has none. @param at the position of the round */
export function ratioAt(data: RoundsData, at: number, index: number): number {
  const { scores = "", thresholds = "" } = data.rounds[at] ?? {};
  const place = idsAt(data, at).indexOf(String(index));
  const limit = toNumber(toColumn(thresholds)(place));
  return place >= 0 && limit > 0 ? toNumber(toColumn(scores)(place)) / limit : NaN;
}

function idsAt({ rounds }: RoundsData, at: number): readonly string[] {
  return (
    rounds
      .slice(0, at + 1)
      .findLast(({ ids }) => ids !== "")
      ?.ids.split(" ") ?? []
  );
}

function listClients(data: RoundsData, round: RoundData, at: number): ClientInRound[] {
  const [scores, thresholds, metric, reasons] = [
    round.scores,
    round.thresholds,
    round.metric,
    round.reasons,
  ].map(toColumn);
  const evidence = round.evidence.map((columns) => columns.map(toColumn));
  return idsAt(data, at).map((id, i) => {
    const [score, threshold] = [scores?.(i) ?? "–", thresholds?.(i) ?? "–"];
    const limit = toNumber(threshold);
    return {
      index: Number(id),
      verdict: verdicts[round.verdicts[i] ?? "-"] ?? "not judged",
      score,
      threshold,
      ratio: limit > 0 ? toNumber(score) / limit : NaN,
      metric: metric?.(i) ?? "–",
      reason: data.texts[toNumber(reasons?.(i) ?? "–")] ?? "",
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

/** A column as a function of the client's position. */
function toColumn(text: string): (i: number) => string {
  const values = text.split(" ");
  return (i) => (values.length === 1 ? text : (values[i] ?? "–"));
}

/** Reads a number of a table, like `1,234`. @returns NaN for a dash */
export function toNumber(text: string): number {
  return text === "–" ? NaN : Number(text.replaceAll(",", ""));
}

/** Formats a score over its threshold, like `3.2 ×`. */
export function formatRatio(ratio: number): string {
  return `${Number(ratio.toPrecision(3))} ×`;
}

/** Is a client flagged? */
export function isFlagged({ verdict }: Pick<ClientInRound, "verdict">): boolean {
  return verdict === "contaminated" || verdict === "invalid";
}

/** A client and how far its evidence lies from that of another one. */
export interface Neighbour {
  readonly client: ClientInRound;
  readonly distance: number;
}

/**
 * Finds the clients whose evidence in the round is most alike: the Euclidean distance between their
 * deviations, or between their scores over threshold if there is no evidence.
 */
export function findNeighbours(
  clients: readonly ClientInRound[],
  client: ClientInRound,
  count: number,
): Neighbour[] {
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

import type { StreamedArmRound, RoundCost } from "../../src/data/protocol.js";
import type { RoundColumns, VerdictInRound } from "../../src/data/rounds.js";
import { readRatios } from "./read-rounds.js";
import { flagsClient, verdictOf } from "./verdicts.js";

/** One round in the map. Entries are by row; rows beyond the end are absent. */
interface Column {
  readonly round: number;
  /** Score over threshold; NaN if there is none. */
  readonly ratios: Float32Array;
  /** Letters of verdicts, as `verdictOf` reads them. */
  readonly codes: Uint8Array;
}

/** Counts about the client in a row over all rounds of an arm. */
export interface RowTotals {
  judged: number;
  flagged: number;
  failed: number;
  /** The score and verdict of the last round that judged the client. */
  lastRatio: number;
  lastVerdict: VerdictInRound | undefined;
  maxRatio: number;
}

const noTotals: Readonly<RowTotals> = {
  judged: 0,
  flagged: 0,
  failed: 0,
  lastRatio: NaN,
  lastVerdict: undefined,
  maxRatio: NaN,
};

/** The metric of a round, for curves: its mean and range over `count` clients. */
export interface MeasuredRound {
  readonly round: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** The rounds of one arm. */
export class ArmData {
  readonly columns: Column[] = [];
  readonly measured: MeasuredRound[] = [];
  /** The lowest and the highest score over threshold of all rounds. */
  ratios: readonly [low: number, high: number] = [Infinity, -Infinity];
  down = 0;
  up = 0;
  readonly #totals: RowTotals[] = [];

  /** @param rows the row of each client of the columns, and `size` the number of rows */
  add(streamed: StreamedArmRound, rows: readonly number[], size: number): void {
    const { round, metric, down, up, columns } = streamed;
    this.down += down;
    this.up += up;
    if (metric) {
      const [mean, low, high, count] = metric;
      this.measured.push({ round, mean, low, high, count });
    }
    if (!columns) return;
    const ratios = readRatios(columns);
    const column: Column = {
      round,
      ratios: new Float32Array(size).fill(NaN),
      codes: new Uint8Array(size),
    };
    for (const [i, row] of rows.entries()) {
      const value = ratios(i);
      const [low, high] = this.ratios;
      if (value < low || value > high) this.ratios = [Math.min(low, value), Math.max(high, value)];
      const code = columns.verdicts.charCodeAt(i);
      column.ratios[row] = value;
      column.codes[row] = code;
      this.#count(row, value, verdictOf(code));
    }
    this.columns.push(column);
  }

  totals(row: number): Readonly<RowTotals> {
    return this.#totals[row] ?? noTotals;
  }

  #count(row: number, ratio: number, verdict: VerdictInRound | undefined): void {
    const totals = (this.#totals[row] ??= { ...noTotals });
    const isJudged = verdict !== "failed" && verdict !== "not judged";
    if (verdict === "failed") totals.failed++;
    // A phase in which nobody is judged must not replace an earlier verdict.
    else if (!isJudged && totals.judged > 0) return;
    totals.lastVerdict = verdict;
    if (!isJudged) return;
    totals.judged++;
    if (flagsClient(verdict)) totals.flagged++;
    totals.lastRatio = ratio;
    if (!Number.isNaN(ratio) && !(ratio <= totals.maxRatio)) totals.maxRatio = ratio;
  }
}

/** Everything that has arrived about the rounds of a run. */
export class RunData {
  /** The data of each arm, by its index. */
  readonly arms: ArmData[] = [];
  readonly times: RoundCost[] = [];
  /** The client's index in each row, in the order in which clients appeared. */
  readonly clients: number[] = [];
  readonly #truths = new Map<number, string>();
  readonly #rows = new Map<number, number>();

  addRound(streamed: StreamedArmRound): void {
    const { columns, truths = {} } = streamed;
    for (const [client, truth] of Object.entries(truths)) this.#truths.set(Number(client), truth);
    const rows = columns ? listIds(columns).map((client) => this.#rowOf(client)) : [];
    this.arm(streamed.a).add(streamed, rows, this.clients.length);
  }

  arm(index: number): ArmData {
    while (this.arms.length <= index) this.arms.push(new ArmData());
    return this.arms[index] ?? new ArmData();
  }

  /** The truth about the client in a row: its attack, `benign` or `unknown`. */
  truth(row: number): string {
    return this.#truths.get(this.clients[row] ?? -1) ?? "benign";
  }

  rowOfClient(client: number): number | undefined {
    return this.#rows.get(client);
  }

  #rowOf(client: number): number {
    const known = this.#rows.get(client);
    if (known !== undefined) return known;
    const row = this.clients.length;
    this.#rows.set(client, row);
    this.clients.push(client);
    return row;
  }
}

function listIds({ ids }: RoundColumns): number[] {
  return ids === "" ? [] : ids.split(" ").map(Number);
}

/** Is a truth, as `RunData` has it, an attack? */
export function isAttack(truth: string): boolean {
  return truth !== "benign" && truth !== "unknown";
}

/** The index of a client by its id; NaN if it is no id. */
export function clientIndex(id: string): number {
  return /^c\d{2,7}$/.test(id) ? Number(id.slice(1)) : NaN;
}

/** Formats the id of a client like the records do. @param count number of clients of the trial */
export function clientId(index: number, count: number): string {
  const width = Math.max(2, String(count - 1).length);
  return `c${String(index).padStart(width, "0")}`;
}

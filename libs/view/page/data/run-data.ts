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
  readonly judged: number;
  readonly flagged: number;
  readonly failed: number;
  /** The score and verdict of the last round that judged the client. */
  readonly lastRatio: number;
  readonly lastVerdict: VerdictInRound | undefined;
  readonly maxRatio: number;
}

/** A measured value of each round, for curves. */
interface Series {
  readonly rounds: number[];
  readonly mean: number[];
  readonly low: number[];
  readonly high: number[];
  readonly count: number[];
}

/** The rounds of one arm. */
export class ArmData {
  readonly columns: Column[] = [];
  readonly metric: Series = { rounds: [], mean: [], low: [], high: [], count: [] };
  /** Rounds that have arrived. */
  rounds = 0;
  down = 0;
  up = 0;
  lastFlagged = 0;
  lastFailed = 0;
  #judged = new Uint32Array(0);
  #flagged = new Uint32Array(0);
  #failed = new Uint32Array(0);
  #lastRatio = new Float32Array(0);
  #maxRatio = new Float32Array(0);
  #lastCode = new Uint8Array(0);

  /** @param rows the row of each client of the columns, and `size` the number of rows */
  add(streamed: StreamedArmRound, rows: readonly number[], size: number): void {
    const { round, metric, down, up, flagged, failed, columns } = streamed;
    this.rounds++;
    this.down += down;
    this.up += up;
    this.lastFlagged = flagged;
    this.lastFailed = failed;
    if (metric) {
      const { rounds, mean, low, high, count } = this.metric;
      rounds.push(round);
      mean.push(metric[0]);
      low.push(metric[1]);
      high.push(metric[2]);
      count.push(metric[3]);
    }
    if (!columns) return;
    this.#grow(size);
    const ratios = readRatios(columns);
    const column: Column = {
      round,
      ratios: new Float32Array(size).fill(NaN),
      codes: new Uint8Array(size),
    };
    for (const [i, row] of rows.entries()) {
      const value = ratios(i);
      const code = columns.verdicts.charCodeAt(i);
      column.ratios[row] = value;
      column.codes[row] = code;
      this.#count(row, value, code);
    }
    this.columns.push(column);
  }

  totals(row: number): RowTotals {
    return {
      judged: this.#judged[row] ?? 0,
      flagged: this.#flagged[row] ?? 0,
      failed: this.#failed[row] ?? 0,
      lastRatio: this.#lastRatio[row] ?? NaN,
      lastVerdict: verdictOf(this.#lastCode[row] ?? 0),
      maxRatio: this.#maxRatio[row] ?? NaN,
    };
  }

  #count(row: number, ratio: number, code: number): void {
    const verdict = verdictOf(code);
    const hasFailed = verdict === "failed";
    if (hasFailed) this.#failed[row] = (this.#failed[row] ?? 0) + 1;
    const isJudged = !hasFailed && verdict !== "not judged";
    // A phase in which nobody is judged must not replace an earlier verdict.
    if (!isJudged && (this.#judged[row] ?? 0) > 0 && !hasFailed) return;
    this.#lastCode[row] = code;
    if (!isJudged) return;
    this.#judged[row] = (this.#judged[row] ?? 0) + 1;
    if (flagsClient(verdict)) this.#flagged[row] = (this.#flagged[row] ?? 0) + 1;
    this.#lastRatio[row] = ratio;
    const before = this.#maxRatio[row] ?? NaN;
    if (!(before >= ratio)) this.#maxRatio[row] = Number.isNaN(ratio) ? before : ratio;
  }

  #grow(size: number): void {
    if (size <= this.#judged.length) return;
    // Doubling, because clients may appear one by one.
    const length = Math.max(size, 2 * this.#judged.length);
    const copy = <T extends Uint8Array | Uint32Array | Float32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#judged = copy(this.#judged, new Uint32Array(length));
    this.#flagged = copy(this.#flagged, new Uint32Array(length));
    this.#failed = copy(this.#failed, new Uint32Array(length));
    this.#lastCode = copy(this.#lastCode, new Uint8Array(length));
    this.#lastRatio = copy(this.#lastRatio, new Float32Array(length).fill(NaN));
    this.#maxRatio = copy(this.#maxRatio, new Float32Array(length).fill(NaN));
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

  addTime(time: RoundCost): void {
    this.times.push(time);
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

/** Formats the id of a client like the records do. @param count number of clients of the trial */
export function clientId(index: number, count: number): string {
  const width = Math.max(2, String(count - 1).length);
  return `c${String(index).padStart(width, "0")}`;
}

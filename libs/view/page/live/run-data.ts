import { marks, type RoundColumns, type RoundTime } from "../../src/data/protocol.js";

/** Codes of verdicts in typed arrays; 0 is a client that was not in the cohort. */
export const codes = {
  absent: 0,
  none: 1,
  benign: 2,
  undecided: 3,
  contaminated: 4,
  invalid: 5,
  inactive: 6,
  failed: 7,
} as const;

/** Codes of the truth about a client. */
export const truths = { benign: 0, contaminated: 1, unknown: 2 } as const;

const codeOfMark = new Map<string, number>(
  Object.entries(marks).map(([name, letter]) => [letter, codes[name as keyof typeof marks]]),
);
const truthOfMark = new Map<string, number>([
  [".", truths.benign],
  ["x", truths.contaminated],
  ["?", truths.unknown],
]);

/** Is a verdict one that flags the client? */
export function flags(code: number): boolean {
  return code === codes.contaminated || code === codes.invalid;
}

/** One round in the map. Entries are by row; rows beyond the end are absent. */
interface Column {
  readonly round: number;
  /** Score over threshold; NaN if there is none. */
  readonly ratios: Float32Array;
  readonly codes: Uint8Array;
}

/** Counts about the client in a row over all rounds of an arm. */
export interface RowTotals {
  readonly judged: number;
  readonly flagged: number;
  readonly failed: number;
  /** The score and verdict of the last round that judged the client. */
  readonly lastRatio: number;
  readonly lastCode: number;
  readonly maxRatio: number;
}

/** A measured value of each round, for curves. */
export interface Series {
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
  add(columns: RoundColumns, rows: readonly number[], size: number): void {
    const { round, metric, down, up, flagged, failed, ids, ratio, verdict = "" } = columns;
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
    if (!ids || !ratio) return;
    this.#grow(size);
    const column: Column = {
      round,
      ratios: new Float32Array(size).fill(NaN),
      codes: new Uint8Array(size),
    };
    for (const [i, row] of rows.entries()) {
      const value = ratio[i] ?? NaN;
      const code = codeOfMark.get(verdict[i] ?? "") ?? codes.none;
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
      lastCode: this.#lastCode[row] ?? codes.absent,
      maxRatio: this.#maxRatio[row] ?? NaN,
    };
  }

  #count(row: number, ratio: number, code: number): void {
    if (code === codes.failed) this.#failed[row] = (this.#failed[row] ?? 0) + 1;
    const isJudged = code !== codes.failed && code !== codes.none;
    // A phase in which nobody is judged must not replace an earlier verdict.
    if (!isJudged && (this.#judged[row] ?? 0) > 0 && code !== codes.failed) return;
    this.#lastCode[row] = code;
    if (!isJudged) return;
    this.#judged[row] = (this.#judged[row] ?? 0) + 1;
    if (flags(code)) this.#flagged[row] = (this.#flagged[row] ?? 0) + 1;
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
  readonly times: RoundTime[] = [];
  /** The client's index in each row, in the order in which clients appeared. */
  readonly clients: number[] = [];
  #truth = new Uint8Array(0);
  readonly #rows = new Map<number, number>();

  addRound(columns: RoundColumns): void {
    const rows = (columns.ids ?? []).map((client) => this.#rowOf(client));
    if (this.#truth.length < this.clients.length) {
      const grown = new Uint8Array(2 * this.clients.length);
      grown.set(this.#truth);
      this.#truth = grown;
    }
    for (const [i, row] of rows.entries()) {
      this.#truth[row] = truthOfMark.get(columns.truth?.[i] ?? "") ?? truths.benign;
    }
    this.arm(columns.a).add(columns, rows, this.clients.length);
  }

  addTime(time: RoundTime): void {
    this.times.push(time);
  }

  arm(index: number): ArmData {
    while (this.arms.length <= index) this.arms.push(new ArmData());
    return this.arms[index] ?? new ArmData();
  }

  /** The truth about the client in a row, one of `truths`. */
  truth(row: number): number {
    return this.#truth[row] ?? truths.benign;
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

/** Formats the id of a client like the records do. @param count number of clients of the trial */
export function clientId(index: number, count: number): string {
  const width = Math.max(2, String(count - 1).length);
  return `c${String(index).padStart(width, "0")}`;
}

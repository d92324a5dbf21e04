import { UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";

/** A device while it is there. */
export interface TraceRow {
  /** That it trains for a round. */
  readonly seconds: number;
  /** Of its link, each way. */
  readonly bytesPerSecond: number;
  /** When it comes and goes, in seconds since the trial began. */
  readonly from: number;
  readonly to: number;
}

const head = "device,seconds,bytesPerSecond,from,to";

/** When which devices are there, and how fast they are. What it tells repeats itself when all have gone. */
export class Trace {
  /** Rows by device, in the order of the file. */
  readonly #devices: readonly (readonly TraceRow[])[];
  /** After which it begins anew, in seconds; Infinity if some device stays for ever. */
  readonly period: number;

  private constructor(devices: readonly (readonly TraceRow[])[]) {
    this.#devices = devices;
    this.period = Math.max(...devices.flat().map(({ to }) => to));
  }

  /**
   * Reads CSV with the head `device,seconds,bytesPerSecond,from,to`, a row for every stay of a device. An empty `bytesPerSecond`
   * is a link that takes no time; empty `from` and `to` are a device that is always there.
   * @param file its name, for messages
   * @throws UserError naming the line, what is wrong with it and what was expected
   */
  static parse(text: string, file: string): Trace {
    const [first = "", ...lines] = text.trim().split(/\r?\n/);
    if (first.trim() !== head)
      throw new UserError(`${file}:1: expected the columns ${head}, got '${excerpt(first)}'`);
    const devices = new Map<string, TraceRow[]>();
    for (const [i, line] of lines.entries()) {
      const [name = "", ...cells] = line.split(",").map((cell) => cell.trim());
      const row = parseRow(cells, `${file}:${i + 2}`);
      const rows = devices.get(name) ?? [];
      devices.set(name, [...rows, row]);
      if (rows.some(({ from, to }) => row.from < to && from < row.to))
        throw new UserError(
          `${file}:${i + 2}: device '${excerpt(name)}' is there already from ${row.from} to ${row.to}: expected stays that do not overlap`,
        );
    }
    if (devices.size === 0) throw new UserError(`${file}: expected a row a device, got none`);
    return new Trace([...devices.values()]);
  }

  /** Device `index` at a time, counted round; undefined if it is not there. */
  at(index: number, clock: number): TraceRow | undefined {
    const time = clock % this.period;
    const rows = this.#devices[index % this.#devices.length] ?? [];
    return rows.find(({ from, to }) => from <= time && time < to);
  }

  /** Seconds until the next device comes. */
  untilNext(clock: number): number {
    const time = clock % this.period;
    const starts = this.#devices.flat().map(({ from }) => from);
    const waits = starts.map((from) => (from > time ? from - time : from + this.period - time));
    return Math.min(...waits);
  }
}

function parseRow(cells: readonly string[], place: string): TraceRow {
  if (cells.length !== 4)
    throw new UserError(`${place}: expected 5 columns, got ${cells.length + 1}`);
  const number = (i: number, name: string, otherwise: number, isPositive: boolean) => {
    const cell = cells[i] ?? "";
    const value = cell === "" ? otherwise : Number(cell);
    if (
      cell === ""
        ? !Number.isNaN(otherwise)
        : value < Infinity && (isPositive ? value > 0 : value >= 0)
    )
      return value;
    const wanted = isPositive ? "a positive number" : "a number of at least 0";
    throw new UserError(`${place}: ${name}: expected ${wanted}, got '${excerpt(cell)}'`);
  };
  const row = {
    seconds: number(0, "seconds", NaN, true),
    bytesPerSecond: number(1, "bytesPerSecond", Infinity, true),
    from: number(2, "from", 0, false),
    to: number(3, "to", Infinity, true),
  };
  if (row.from < row.to) return row;
  throw new UserError(`${place}: expected from < to, got ${row.from} and ${row.to}`);
}

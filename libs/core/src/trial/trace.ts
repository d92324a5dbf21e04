import { UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";

/** One stay of a device: the period in which it is available. */
export interface TraceRow {
  /** The seconds that the device trains in a round. */
  readonly seconds: number;
  /** The speed of the device's link in each direction. */
  readonly bytesPerSecond: number;
  /** The start and the end of the stay, in seconds since the trial began. */
  readonly from: number;
  readonly to: number;
}

const head = "device,seconds,bytesPerSecond,from,to";

/**
 * Devices with their speeds and the times at which they are available. The trace starts again when
 * the last device has gone.
 */
export class Trace {
  /** The stays of each device, in the order of the file. */
  readonly #devices: readonly (readonly TraceRow[])[];
  /** The seconds after which the trace starts again; Infinity if some device stays forever. */
  readonly period: number;

  private constructor(devices: readonly (readonly TraceRow[])[]) {
    this.#devices = devices;
    this.period = Math.max(...devices.flat().map(({ to }) => to));
  }

  /**
   * Reads CSV with the head `device,seconds,bytesPerSecond,from,to` and one row per stay of a
   * device. An empty `bytesPerSecond` stands for an infinitely fast link. A device with empty
   * `from` and `to` is always available.
   * @param file the file's name, for messages
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

  /** Returns device `index` modulo the number of devices; undefined if it is not available. */
  at(index: number, clock: number): TraceRow | undefined {
    const time = clock % this.period;
    const rows = this.#devices[index % this.#devices.length] ?? [];
    return rows.find(({ from, to }) => from <= time && time < to);
  }

  /** Returns the seconds until the next device becomes available. */
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
    const expected = isPositive ? "a positive number" : "a number of at least 0";
    throw new UserError(`${place}: ${name}: expected ${expected}, got '${excerpt(cell)}'`);
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

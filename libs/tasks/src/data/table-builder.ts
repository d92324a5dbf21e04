import { excerpt, UserError } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { commaRemedy, isCommaNumber } from "./cell-texts.js";
import { largestNumber, largestTable, type Row, type TableFile } from "./table-file.js";

/** The columns that one of a task's words stands for, as they are named in the files. */
export interface ReadColumns {
  readonly type: ColumnType;
  readonly names: readonly string[];
}

/** What the cells of columns must be; `mixed` ones may be numbers, texts or missing. */
export type ColumnType = "number" | "text" | "mixed";

/** The cells of columns whose kind the data tell, rows×columns, row by row. */
export interface MixedCells {
  /** NaN where a cell is a text or missing. */
  readonly numbers: Float64Array;
  /** Returns the text of the cell at a position; undefined if it is a number or missing. */
  text(position: number): string | undefined;
}

/** The columns of one or more files, in memory, by the task's own words for them. */
export interface Table {
  readonly rows: number;
  /** Returns the numbers of a word, rows×columns, row by row. */
  numbers(word: string): Float64Array;
  /** Returns the names of the columns that a word stands for. */
  names(word: string): readonly string[];
  /** Returns the cells of a word that may be numbers, texts or missing. */
  mixed(word: string): MixedCells;
  /** Returns the texts of a word, one per row. */
  texts(word: string): readonly string[];
  /** Returns the file and the line or row of a row, for messages. */
  place(row: number): string;
}

/** Words for a missing value, as pandas, R and the UCI repository write them. */
const missing = new Set(["", "?", "na", "n/a", "#n/a", "nan", "null", "none"]);

/** Collects the rows of files. Equal texts share their memory. */
export class TableBuilder {
  readonly #columns: readonly { readonly word: string; readonly read: ReadColumns }[];
  readonly #numbers = new Map<string, GrowingNumbers>();
  readonly #texts = new Map<string, string[]>();
  readonly #mixed = new Map<string, MixedColumns>();
  readonly #known = new Map<string, string>();
  readonly #files: { readonly file: TableFile; readonly firstRow: number }[] = [];
  readonly #rowNumbers = new GrowingNumbers();
  #characters = 0;
  #rows = 0;

  constructor(columns: Readonly<Record<string, ReadColumns>>) {
    this.#columns = Object.entries(columns).map(([word, read]) => ({ word, read }));
    for (const { word, read } of this.#columns) {
      if (read.type === "number") this.#numbers.set(word, new GrowingNumbers());
      else if (read.type === "mixed") this.#mixed.set(word, new MixedColumns());
      else this.#texts.set(word, []);
    }
  }

  /** The names of all columns, in the order in which `add` expects their cells. */
  get names(): readonly string[] {
    return this.#columns.flatMap(({ read }) => read.names);
  }

  /** Announces the file of the following rows. */
  startFile(file: TableFile): void {
    this.#files.push({ file, firstRow: this.#rows });
  }

  /** Adds a row. @throws UserError if a cell is empty or not of its type, or the table too large */
  add({ number, cells }: Row): void {
    this.#rowNumbers.push(number);
    let k = 0;
    for (const { word, read } of this.#columns) {
      for (const name of read.names) {
        const cell = cells[k++];
        if (read.type === "number") {
          this.#numbers.get(word)?.push(this.#toNumber(cell, name));
        } else if (read.type === "mixed") {
          this.#mixed.get(word)?.push(this.#toMixed(cell, name));
        } else {
          this.#texts.get(word)?.push(this.#toText(cell, name));
        }
      }
    }
    this.#rows++;
    if (this.#rows * k + this.#characters > largestTable) {
      throw new UserError(
        `source: ${this.#place(this.#rows - 1)}: expected at most ${largestTable} cells and characters of text in all; read fewer columns or rows`,
      );
    }
  }

  finish(): Table {
    const find = <T>(map: ReadonlyMap<string, T>, word: string): T => {
      const found = map.get(word);
      if (found === undefined) throw new Error(`the table has no '${word}' of this type`);
      return found;
    };
    const numbers = new Map([...this.#numbers].map(([word, all]) => [word, all.toArray()]));
    const names = new Map(this.#columns.map(({ word, read }) => [word, read.names]));
    return {
      rows: this.#rows,
      numbers: (word) => find(numbers, word),
      names: (word) => find(names, word),
      mixed: (word) => find(this.#mixed, word).finish(),
      texts: (word) => find(this.#texts, word),
      place: (row) => this.#place(row),
    };
  }

  #place(row: number): string {
    const inside = this.#files.findLast(({ firstRow }) => firstRow <= row);
    return `${inside?.file.path ?? ""}, ${inside?.file.unit ?? "row"} ${this.#rowNumbers.at(row)}`;
  }

  /** Returns undefined if a cell is no finite number. @throws UserError if it is too large */
  #parseNumber(cell: unknown, name: string): number | undefined {
    const number = parseNumber(cell);
    if (number === undefined || Math.abs(number) <= largestNumber) return number;
    throw this.#createFault(cell, name, `a number of at most ${largestNumber}`);
  }

  #toNumber(cell: unknown, name: string): number {
    const number = this.#parseNumber(cell, name);
    if (number !== undefined) return number;
    throw this.#createFault(cell, name, "a number");
  }

  /** Returns a number, a text, or undefined if the cell is missing. */
  #toMixed(cell: unknown, name: string): number | string | undefined {
    // In a text file they are texts.
    if (typeof cell === "boolean") return this.#toText(cell, name);
    const number = this.#parseNumber(cell, name);
    if (number !== undefined) return number;
    const isMissing =
      cell === undefined ||
      cell === null ||
      Number.isNaN(cell) ||
      (typeof cell === "string" && missing.has(cell.trim().toLowerCase()));
    if (isMissing) return undefined;
    if (typeof cell === "string") return this.#toText(cell, name);
    throw this.#createFault(cell, name, "a number or a text");
  }

  #toText(cell: unknown, name: string): string {
    const isText = ["string", "number", "bigint", "boolean"].includes(typeof cell);
    const text = isText && !Number.isNaN(cell) ? String(cell).trim() : "";
    if (text === "") throw this.#createFault(cell, name, "a text");
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, text);
    this.#characters += text.length;
    return text;
  }

  #createFault(cell: unknown, name: string, expected: string): UserError {
    const isEmpty =
      cell === undefined || cell === null || (typeof cell === "string" && !cell.trim());
    const got = isEmpty ? "nothing" : `'${show(cell)}'`;
    const hasComma = typeof cell === "string" && isCommaNumber(cell.trim());
    const isDate = cell instanceof Date;
    const remedy = hasComma
      ? commaRemedy
      : isDate
        ? dateRemedy
        : "correct the cell, or leave the row out";
    return new UserError(
      `source: ${this.#place(this.#rows)}: column '${excerpt(name)}': expected ${expected}, got ${got}; ${remedy}`,
    );
  }
}

const dateRemedy =
  "dates are not read: write the column as numbers or texts, or leave it out of the columns";

/** Returns undefined if a cell is no finite number. */
function parseNumber(cell: unknown): number | undefined {
  const value = typeof cell === "string" && cell.trim() !== "" ? Number(cell) : cell;
  const number = typeof value === "bigint" || typeof value === "boolean" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function show(cell: unknown): string {
  if (typeof cell === "string") return excerpt(cell);
  // A value that is nested too deep has no JSON.
  if (Array.isArray(cell)) return "[…]";
  if (typeof cell === "object" && !(cell instanceof Date)) return "{…}";
  // JSON has no NaN and no infinity.
  return excerpt(typeof cell === "number" ? String(cell) : JSON.stringify(cell));
}

/** A list of numbers in one array that doubles when it is full. */
class GrowingNumbers {
  #data = new Float64Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#data.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[this.#length++] = value;
  }

  at(index: number): number {
    return item(this.#data, index);
  }

  toArray(): Float64Array {
    return this.#data.slice(0, this.#length);
  }
}

/** Collects cells that are numbers, texts or missing. Texts are stored as codes. */
class MixedColumns {
  readonly #numbers = new GrowingNumbers();
  readonly #codes = new GrowingNumbers();
  readonly #texts: string[] = [];
  readonly #codeOf = new Map<string, number>();

  push(cell: number | string | undefined): void {
    this.#numbers.push(typeof cell === "number" ? cell : NaN);
    this.#codes.push(typeof cell === "string" ? this.#encode(cell) : -1);
  }

  finish(): MixedCells {
    const codes = this.#codes.toArray();
    return {
      numbers: this.#numbers.toArray(),
      text: (position) => this.#texts[codes[position] ?? -1],
    };
  }

  #encode(text: string): number {
    const known = this.#codeOf.get(text);
    if (known !== undefined) return known;
    this.#codeOf.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }
}

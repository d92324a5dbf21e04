import { printable } from "@fedclair/core/text";

/** The most bytes of a label. Options may have texts of any length, and tables show the labels. */
const maxLabelBytes = 200;

/** A key of the file that has several values. */
export interface Dimension {
  /** A path such as `task.sigma` or `attacks.0.attack`. */
  readonly path: string;
  /** One label per value, all different. */
  readonly labels: readonly string[];
}

/** One combination of values. */
export interface Point {
  /** The content of a trial file. */
  readonly content: unknown;
  /** The label of each dimension's value, by the dimension's path. */
  readonly at: ReadonlyMap<string, string>;
  /** Returns the path in the expanded file of the value at a path of the content. */
  readonly origin: (path: readonly string[]) => readonly string[];
}

interface Expansion {
  readonly dimensions: readonly Dimension[];
  /** All combinations; the last dimension varies fastest. */
  readonly points: readonly Point[];
}

/**
 * Expands a file in which any value may be replaced by a list of values into all its trials. Where
 * a trial file expects a list anyway, the file must have a list of lists.
 * @param takesList whether a trial file has a list at this path anyway
 */
export function expand(
  content: unknown,
  takesList: (path: readonly string[]) => boolean,
): Expansion {
  const variations = listVariations(content, { name: [], at: [], from: [] }, takesList);
  const dimensions = variations.dimensions.map(({ path, values }): Dimension => {
    return { path, labels: buildLabels(values) };
  });
  const points = variations.points.map(({ content: point, picks, moves }): Point => {
    const labels = dimensions.map(({ path, labels: all }, d): [string, string] => {
      return [path, all[picks[d] ?? 0] ?? ""];
    });
    return { content: point, at: new Map(labels), origin: (path) => findOrigin(moves, path) };
  });
  return { dimensions, points };
}

interface Variations {
  readonly dimensions: readonly { readonly path: string; readonly values: readonly unknown[] }[];
  /** Each point with the index of its value in each dimension. */
  readonly points: readonly Variation[];
}

interface Variation {
  readonly content: unknown;
  readonly picks: readonly number[];
  readonly moves: readonly Move[];
}

/** A value of a list that stands in place of the list. */
interface Move {
  /** The path of the list. */
  readonly at: readonly string[];
  /** The path of the value in the file. */
  readonly from: readonly string[];
}

/** The place of a value. */
interface Place extends Move {
  /** The path of its dimension. */
  readonly name: readonly string[];
}

function inside({ name, at, from }: Place, key: string): Place {
  return { name: [...name, key], at: [...at, key], from: [...from, key] };
}

/** Follows the innermost move that leads to a path. */
function findOrigin(moves: readonly Move[], path: readonly string[]): readonly string[] {
  const around = moves.filter(({ at }) => at.every((key, i) => key === path[i]));
  const depth = Math.max(0, ...around.map(({ from }) => from.length));
  const move = around.findLast(({ from }) => from.length === depth);
  return move ? [...move.from, ...path.slice(move.at.length)] : path;
}

function listVariations(
  content: unknown,
  place: Place,
  takesList: (path: readonly string[]) => boolean,
): Variations {
  const { name: path, at, from } = place;
  if (Array.isArray(content)) {
    const items: readonly unknown[] = content;
    const several = takesList(path) ? items.length > 0 && items.every(Array.isArray) : true;
    if (several) {
      // A value that itself varies counts as several values of this dimension; a list is one value.
      const name = takesList(path) ? path : [...path, "*"];
      const values = items.flatMap((item, i) => {
        const move = { at, from: [...from, String(i)] };
        const { points } = Array.isArray(item)
          ? takesList(path)
            ? listParts(item, { name, ...move }, takesList)
            : { points: [{ content: item, picks: [], moves: [] }] }
          : listVariations(item, { name, ...move }, takesList);
        return points.map((point) => ({ ...point, moves: [move, ...point.moves] }));
      });
      return {
        dimensions: [{ path: path.join("."), values: values.map((value) => value.content) }],
        points: values.map((value, i) => ({ ...value, picks: [i] })),
      };
    }
    return listParts(items, place, takesList);
  }
  if (typeof content !== "object" || content === null) {
    return { dimensions: [], points: [{ content, picks: [], moves: [] }] };
  }
  const keys = Object.keys(content);
  const parts = Object.entries(content).map(([key, value]) =>
    listVariations(value, inside(place, key), takesList),
  );
  return combine(parts, (values) => Object.fromEntries(keys.map((key, i) => [key, values[i]])));
}

/** Lists the variations of a list that is one value, such as the joint actions of a game. */
function listParts(
  items: readonly unknown[],
  place: Place,
  takesList: (path: readonly string[]) => boolean,
): Variations {
  const parts = items.map((item, i) => listVariations(item, inside(place, String(i)), takesList));
  return combine(parts, (values) => values);
}

function combine(
  parts: readonly Variations[],
  build: (values: readonly unknown[]) => unknown,
): Variations {
  type Row = Omit<Variation, "content"> & { readonly values: readonly unknown[] };
  let rows: readonly Row[] = [{ values: [], picks: [], moves: [] }];
  for (const { points } of parts) {
    rows = rows.flatMap(({ values, picks, moves }) =>
      points.map((point) => ({
        values: [...values, point.content],
        picks: [...picks, ...point.picks],
        moves: [...moves, ...point.moves],
      })),
    );
  }
  return {
    dimensions: parts.flatMap(({ dimensions }) => dimensions),
    points: rows.map(({ values, ...row }) => ({ content: build(values), ...row })),
  };
}

/**
 * Builds the shortest labels that distinguish the values: a plug-in's name, followed by the options
 * that differ if several values share the name.
 */
function buildLabels(values: readonly unknown[]): string[] {
  const names = values.map(formatName);
  const labels = names.map((name, i) => {
    const rivals = values.filter((_, j) => names[j] === name).map(listOptions);
    const own = [...listOptions(values[i])].filter(([key, text]) =>
      rivals.some((rival) => rival.get(key) !== text),
    );
    const differing = own.map(([key, text]) => `${key} ${text}`).join(", ");
    const label = name === "" ? differing : `${name} (${differing})`;
    return printable(differing === "" ? name : label, maxLabelBytes);
  });
  return labels.map((label, i) => (labels.indexOf(label) === i ? label : `${label} #${i + 1}`));
}

function formatName(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(formatName).join(" + ");
  if (!isRecord(value)) return String(value);
  const { name, attack } = value;
  return typeof name === "string" ? name : attack === undefined ? "" : formatName(attack);
}

/** Lists all options inside a value as texts, by key. */
function listOptions(value: unknown): Map<string, string> {
  if (!isRecord(value) && !Array.isArray(value)) return new Map();
  const entries = Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    if (key === "name") return [];
    const below = listOptions(inner);
    if (below.size > 0 || isRecord(inner)) return [...below];
    return [[key, Array.isArray(inner) ? inner.map(String).join(" ") : String(inner)]];
  });
  return new Map(entries);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

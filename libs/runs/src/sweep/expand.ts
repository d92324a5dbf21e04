/** A key of the file that takes several values. */
export interface Dimension {
  /** As `task.sigma`, `attacks.0.attack`. */
  readonly path: string;
  /** One for each value, all different. */
  readonly labels: readonly string[];
}

/** One combination of values. */
export interface Point {
  /** The content of a trial file. */
  readonly content: unknown;
  /** The label of its value, by the path of each dimension. */
  readonly at: ReadonlyMap<string, string>;
}

export interface Expansion {
  readonly dimensions: readonly Dimension[];
  /** All combinations, the last dimension running fastest. */
  readonly points: readonly Point[];
}

/**
 * All trials of a file in which any value may be replaced by a list of values. Where a trial file takes a list anyway, a
 * list of lists is meant.
 * @param takesList does the value at this path of a trial file take a list?
 */
export function expand(
  content: unknown,
  takesList: (path: readonly string[]) => boolean,
): Expansion {
  const found = variationsOf(content, [], takesList);
  const dimensions = found.dimensions.map(({ path, values }): Dimension => {
    return { path, labels: labelsOf(values) };
  });
  const points = found.points.map(({ content: point, picks }): Point => {
    const labels = dimensions.map(({ path, labels: all }, d): [string, string] => {
      return [path, all[picks[d] ?? 0] ?? ""];
    });
    return { content: point, at: new Map(labels) };
  });
  return { dimensions, points };
}

interface Variations {
  readonly dimensions: readonly { readonly path: string; readonly values: readonly unknown[] }[];
  /** With the index of the value picked in each dimension. */
  readonly points: readonly { readonly content: unknown; readonly picks: readonly number[] }[];
}

function variationsOf(
  content: unknown,
  path: readonly string[],
  takesList: (path: readonly string[]) => boolean,
): Variations {
  if (Array.isArray(content)) {
    const items: readonly unknown[] = content;
    const several = takesList(path) ? items.length > 0 && items.every(Array.isArray) : true;
    if (several) {
      // A value that varies in itself counts as so many values of this one dimension.
      const inside = takesList(path) ? path : [...path, "*"];
      const values = items.flatMap((item) =>
        variationsOf(item, inside, takesList).points.map((point) => point.content),
      );
      return {
        dimensions: [{ path: path.join("."), values }],
        points: values.map((value, i) => ({ content: value, picks: [i] })),
      };
    }
    const parts = items.map((item, i) => variationsOf(item, [...path, String(i)], takesList));
    return combined(parts, (values) => values);
  }
  if (typeof content !== "object" || content === null) {
    return { dimensions: [], points: [{ content, picks: [] }] };
  }
  const keys = Object.keys(content);
  const parts = Object.entries(content).map(([key, value]) =>
    variationsOf(value, [...path, key], takesList),
  );
  return combined(parts, (values) => Object.fromEntries(keys.map((key, i) => [key, values[i]])));
}

function combined(
  parts: readonly Variations[],
  build: (values: readonly unknown[]) => unknown,
): Variations {
  type Row = { readonly values: readonly unknown[]; readonly picks: readonly number[] };
  let rows: readonly Row[] = [{ values: [], picks: [] }];
  for (const { points } of parts) {
    rows = rows.flatMap(({ values, picks }) =>
      points.map((point) => ({
        values: [...values, point.content],
        picks: [...picks, ...point.picks],
      })),
    );
  }
  return {
    dimensions: parts.flatMap(({ dimensions }) => dimensions),
    points: rows.map(({ values, picks }) => ({ content: build(values), picks })),
  };
}

/** As short as tells the values apart: a plug-in's name, and of those that share one the options that differ. */
function labelsOf(values: readonly unknown[]): string[] {
  const names = values.map(nameOf);
  const labels = names.map((name, i) => {
    const rivals = values.filter((_, j) => names[j] === name).map(optionsOf);
    const own = [...optionsOf(values[i])].filter(([key, text]) =>
      rivals.some((rival) => rival.get(key) !== text),
    );
    const told = own.map(([key, text]) => `${key} ${text}`).join(", ");
    return told === "" ? name : name === "" ? told : `${name} (${told})`;
  });
  return labels.map((label, i) => (labels.indexOf(label) === i ? label : `${label} #${i + 1}`));
}

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(nameOf).join(" + ");
  if (!isRecord(value)) return String(value);
  const { name, attack } = value;
  return typeof name === "string" ? name : attack === undefined ? "" : nameOf(attack);
}

/** All options inside a value, as texts by their paths. */
function optionsOf(value: unknown): Map<string, string> {
  if (!isRecord(value) && !Array.isArray(value)) return new Map();
  const entries = Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    if (key === "name") return [];
    const below = optionsOf(inner);
    if (below.size > 0 || isRecord(inner)) return [...below];
    return [[key, Array.isArray(inner) ? inner.map(String).join(" ") : String(inner)]];
  });
  return new Map(entries);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

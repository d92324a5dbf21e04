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
}

export interface Expansion {
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
  const variations = listVariations(content, [], takesList);
  const dimensions = variations.dimensions.map(({ path, values }): Dimension => {
    return { path, labels: buildLabels(values) };
  });
  const points = variations.points.map(({ content: point, picks }): Point => {
    const labels = dimensions.map(({ path, labels: all }, d): [string, string] => {
      return [path, all[picks[d] ?? 0] ?? ""];
    });
    return { content: point, at: new Map(labels) };
  });
  return { dimensions, points };
}

interface Variations {
  readonly dimensions: readonly { readonly path: string; readonly values: readonly unknown[] }[];
  /** Each point with the index of its value in each dimension. */
  readonly points: readonly { readonly content: unknown; readonly picks: readonly number[] }[];
}

function listVariations(
  content: unknown,
  path: readonly string[],
  takesList: (path: readonly string[]) => boolean,
): Variations {
  if (Array.isArray(content)) {
    const items: readonly unknown[] = content;
    const several = takesList(path) ? items.length > 0 && items.every(Array.isArray) : true;
    if (several) {
      // A value that itself varies counts as several values of this dimension.
      const inside = takesList(path) ? path : [...path, "*"];
      const values = items.flatMap((item) =>
        listVariations(item, inside, takesList).points.map((point) => point.content),
      );
      return {
        dimensions: [{ path: path.join("."), values }],
        points: values.map((value, i) => ({ content: value, picks: [i] })),
      };
    }
    const parts = items.map((item, i) => listVariations(item, [...path, String(i)], takesList));
    return combine(parts, (values) => values);
  }
  if (typeof content !== "object" || content === null) {
    return { dimensions: [], points: [{ content, picks: [] }] };
  }
  const keys = Object.keys(content);
  const parts = Object.entries(content).map(([key, value]) =>
    listVariations(value, [...path, key], takesList),
  );
  return combine(parts, (values) => Object.fromEntries(keys.map((key, i) => [key, values[i]])));
}

function combine(
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
    return differing === "" ? name : name === "" ? differing : `${name} (${differing})`;
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

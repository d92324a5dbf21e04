import { excerpt, UserError } from "@fedclair/core";
import { item, Matrix, stream, sum, type Stream } from "@fedclair/linalg";
import { splitRows } from "@fedclair/tasks/shared";
import { numbers, readTable, sortNames, texts, type ClientTable } from "@fedclair/tasks/shared";
import type { Options } from "./options.js";
import {
  drawPoints,
  drawSample,
  isTable,
  pickRows,
  ringLike,
  type Modes,
  type PointTable,
  type Sample,
} from "./points.js";
import { sourceFrom, type TrainingData } from "./training.js";
import { simulatePoints, type World } from "./world.js";

/** Share of the target's points that no client holds. Transport is measured on them. */
const withheldShare = 0.2;

/** The split does not follow the trial's seed, so that all seeds have the same clients. */
const dataSeed = 1;

/** A shift and a scale, the same in all coordinates. */
interface Scale {
  readonly means: readonly number[];
  readonly deviation: number;
}

/**
 * Opens the source and the target of a trial. The user's own points are shifted to mean 0 and
 * scaled by one number to a mean variance of 1 per coordinate, because all settings are for points
 * of unit order. If both are the user's own, the target decides about shift and scale.
 * @throws UserError with file and row if the data are not as expected
 */
export async function openPoints(options: Options): Promise<World> {
  const { source, target } = options;
  const starts = isTable(source) ? await readPoints(source) : undefined;
  if (isTable(target)) {
    const goals = await readPoints(target);
    const scale = computeScale(goals);
    return openTarget(options, goals, scale, openSource(options, starts, scale));
  }
  if (!starts) return simulatePoints(options, isTable(source) ? "normal" : source, target);
  const scale = computeScale(starts);
  if (scale.means.length !== 2) throw createMismatch(scale.means.length, 2);
  const start = openSource(options, starts, scale);
  const simulated = simulatePoints(options, "normal", target);
  return { ...simulated, source: start.open, starts: (count, rng) => start.open(rng)(count, rng) };
}

/** A source of starting points. */
interface Start {
  /** Undefined for any number. */
  readonly dimensions: number | undefined;
  readonly open: (rng: Stream) => TrainingData["source"];
}

/** Opens the source: the user's points, or a distribution. */
function openSource(
  { source, samples }: Options,
  own: ClientTable | undefined,
  scale: Scale,
): Start {
  const dimensions = scale.means.length;
  if (own) {
    const width = own.table.names("point").length;
    if (width !== dimensions) throw createMismatch(width, dimensions);
    const points = toPoints(own, scale);
    return { dimensions, open: () => sourceFrom(points) };
  }
  if (source !== "normal" && !isTable(source)) {
    return { dimensions: 2, open: (rng) => sourceFrom(drawSample(source, samples, rng).points) };
  }
  const draw = (count: number, rng: Stream) =>
    drawPoints(count, () => [...rng.normals(dimensions)], dimensions);
  return { dimensions: undefined, open: () => draw };
}

/** Splits the user's own target among the clients, and withholds points for measuring. */
function openTarget(
  { partition, evaluationSamples, target, conditional }: Options,
  own: ClientTable,
  scale: Scale,
  start: Start,
): World {
  const dimensions = scale.means.length;
  if (start.dimensions !== undefined && start.dimensions !== dimensions) {
    throw createMismatch(start.dimensions, dimensions);
  }
  const points = toPoints(own, scale);
  const all = Array.from({ length: own.rows }, (_, row) => row);
  const order = stream(dataSeed).at("withheld").sample(all);
  const half = Math.min(Math.floor((withheldShare * own.rows) / 2), evaluationSamples);
  if (half < 2) {
    throw new UserError(`target: expected at least 20 points, got ${own.rows}: add some`);
  }
  const rows = order.slice(2 * half).sort((a, b) => a - b);
  const { names, modes } = readClasses(own, isTable(target) && target.columns.label !== undefined);
  const pick = (chosen: ArrayLike<number>): Sample => ({
    points: pickRows(points, chosen),
    ...(modes && { modes: pickModes(modes, chosen) }),
  });
  const fresh = {
    targets: pick(order.slice(0, half)),
    otherTargets: pick(order.slice(half, 2 * half)),
  };
  if (conditional) for (const sample of Object.values(fresh)) checkClasses(sample, names);
  const clients = splitRows(own, { partition, dataSeed, minimum: 2, rows });
  return {
    dimensions,
    ring: ringLike(target),
    classes: names,
    target: ({ index, count }) => pick(clients.of(index, count)),
    source: start.open,
    starts: (count, rng) => start.open(rng)(count, rng),
    fresh: () => fresh,
    members: clients.members,
  };
}

async function readPoints(table: PointTable): Promise<ClientTable> {
  const { point, label, client } = table.columns;
  const wanted = { point: numbers(point), ...(label !== undefined && { label: texts(label) }) };
  return await readTable(table, wanted, client);
}

interface Classes {
  /** Names in order, see `sortNames`; empty for a table without classes. */
  readonly names: readonly string[];
  readonly modes?: Modes;
}

/** Reads the class of each point. @param named whether the table has a column with classes */
function readClasses({ table }: ClientTable, named: boolean): Classes {
  if (!named) return { names: [] };
  const labels = table.texts("label");
  const names = sortNames(new Set(labels));
  const indices = new Map(names.map((name, k) => [name, k]));
  const of = Int32Array.from(labels, (label) => indices.get(label) ?? NaN);
  return { names, modes: { count: names.length, of } };
}

function pickModes({ count, of }: Modes, rows: ArrayLike<number>): Modes {
  return { count, of: Int32Array.from(rows, (row) => item(of, row)) };
}

/** Checks that a withheld sample has points of every class, on which that class is measured. */
function checkClasses({ points, modes }: Sample, names: readonly string[]): void {
  const present = new Set(modes?.of);
  const missing = names.findIndex((_, k) => !present.has(k));
  if (missing < 0) return;
  throw new UserError(
    `target: none of ${points.rows} withheld points is of class '${excerpt(item(names, missing))}': add points of it, raise evaluationSamples, or leave it out`,
  );
}

function createMismatch(source: number, target: number): UserError {
  return new UserError(
    `source has ${source} coordinates and target ${target}: expected equally many; list them as columns.point, or choose source: normal`,
  );
}

function computeScale({ table }: ClientTable): Scale {
  const values = table.numbers("point");
  const cols = table.names("point").length;
  const means = Array.from(
    { length: cols },
    (_, c) => sum(values.filter((_, i) => i % cols === c)) / table.rows,
  );
  const squares = sum(values.map((x, i) => (x - item(means, i % cols)) ** 2));
  const deviation = Math.sqrt(squares / values.length);
  if (deviation > 0) return { means, deviation };
  throw new UserError(`source: ${table.place(0)}: all points are the same: expected several`);
}

/** Returns the points of a table, rows×d, on the given scale. */
function toPoints({ table }: ClientTable, { means, deviation }: Scale): Matrix {
  const cols = table.names("point").length;
  const points = Matrix.fromRowMajor(table.rows, cols, table.numbers("point"));
  means.forEach((mean, c) => {
    points.column(c).forEach((x, i, column) => (column[i] = (x - mean) / deviation));
  });
  return points;
}

import {
  addScaled,
  at,
  indices,
  item,
  Matrix,
  median,
  medianDeviation,
  medianInPlace,
  pick,
  pickNumbers,
  sum,
  zeros,
  zip,
} from "@fedclair/linalg";
import type { Residuals } from "./residuals.js";

/**
 * What a judgement knows about K clients, by client in one order. Everything is computed from their
 * changes alone.
 */
export interface ClientMeasures {
  /**
   * Cosines between the clients' changes, −1 … 1, means over modules, K×K. With a sample, column k
   * has those of client k with the sample and with its nearest, and NaN for the others.
   */
  readonly cosines: Matrix;
  /**
   * The clients that all are compared with, ascending; absent if all are compared with all. Medians
   * are over these, so that they are of the same clients for everybody.
   */
  readonly sample?: readonly number[];
  /** ln of the norm of each whole change. */
  readonly size: Float64Array;
  /** ln of the effective number of directions of each change, the mean over modules. */
  readonly shape: Float64Array;
  /**
   * ln of the mean size of the entries over their root mean square, the mean over modules; at most
   * 0, where all entries have one size. Entries of the change, or of B for a pair, in the
   * coordinates in which they are the most even.
   */
  readonly evenness: Float64Array;
  /** ln of the tangent of each change's angle to the shared space, fitted without that client. */
  readonly outside: Float64Array;
  /**
   * Inner products of the spaces that the rows of the clients' factors A span: 1 for one space,
   * about 0 for unrelated ones; means over modules, K×K; with a sample NaN elsewhere. Absent if
   * not all changes are pairs of one rank.
   */
  readonly rowSpaces?: Matrix;
  /** What lies outside the space of dense changes; absent of pairs, whose residual is no noise. */
  readonly residuals?: Residuals;
  /** The number of each client's group of copies, see `groupCopies`; distinct without copies. */
  readonly groups: readonly number[];
  /** Whether each client is known to have started from another A₀ than most. */
  readonly startsElsewhere: readonly boolean[];
  /** Whether most modules are sent dense by most clients, not as low-rank pairs. */
  readonly isDense: boolean;
  /** What a random direction would have, for positive controls. */
  readonly noise: NoiseMeasures;
}

/** The measures of a random change with the rank of the clients' changes. */
interface NoiseMeasures {
  readonly shape: number;
  readonly outside: number;
  /** Standard deviation of its cosine with any other change. */
  readonly cosine: number;
  /** How many numbers it has, in the factors that are free. */
  readonly numbers: number;
}

/** The regressions on tables of which this was measured have changes of 3 to 21 numbers. */
const mostFew = 21;

/**
 * Whether changes have so few numbers, such as the weights of a small regression, that what
 * distinguishes honest clients does not average out.
 */
export function haveFewNumbers({
  noise,
}: {
  readonly noise: Pick<NoiseMeasures, "numbers">;
}): boolean {
  return noise.numbers <= mostFew;
}

/** The measures of one module. */
export interface ModuleMeasures {
  /** ln of the evenness of each client's entries. */
  readonly evenness: readonly number[];
  /** Inner products of the clients' row spaces; absent unless all changes are pairs of one rank. */
  readonly rowSpaces?: Matrix;
  /** Whether most clients sent the module dense. */
  readonly isDense: boolean;
  /** Rows and columns of the factor that is free: of B for a pair, of the change otherwise. */
  readonly shape: readonly [number, number];
}

/** What `combineMeasures` combines, by module where not by client. */
interface MeasuredModules {
  readonly cosines: Matrix;
  readonly sample?: readonly number[] | undefined;
  readonly groups: readonly number[];
  /** Norms of whole changes. */
  readonly norms: readonly number[];
  readonly modules: readonly ModuleMeasures[];
  /** Effective number of directions by module, then by client. */
  readonly effectiveRanks: readonly (readonly number[])[];
  /** Tangents to the shared space by client. */
  readonly tangents: readonly number[];
  /** Dimension of the shared space by module. */
  readonly ranks: readonly number[];
  readonly residuals?: Residuals | undefined;
  readonly startsElsewhere: readonly boolean[];
}

/** Changes are float32, so smaller shares and tangents are rounding errors. */
export const rounding = 1e-6;

/** Combines the measures of the modules. */
export function combineMeasures(measured: MeasuredModules): ClientMeasures {
  const { cosines, sample, groups, norms, modules, effectiveRanks, tangents, ranks } = measured;
  const clients = indices(norms.length);
  const count = modules.length;
  const rowSpaces = averageRowSpaces(modules);
  const meanOf = (valueOf: (module: number, client: number) => number) =>
    Float64Array.from(clients, (k) => sum(indices(count).map((m) => valueOf(m, k))) / count);
  return {
    cosines,
    ...(sample && { sample }),
    size: Float64Array.from(norms, Math.log),
    shape: meanOf((m, k) => Math.log(item(item(effectiveRanks, m), k))),
    evenness: meanOf((m, k) => item(item(modules, m).evenness, k)),
    outside: Float64Array.from(tangents, (x) => Math.log(Math.max(x, rounding))),
    ...(rowSpaces && { rowSpaces }),
    ...(measured.residuals && { residuals: measured.residuals }),
    groups,
    startsElsewhere: measured.startsElsewhere,
    isDense: 2 * modules.filter((module) => module.isDense).length > modules.length,
    noise: measureNoise(modules, ranks),
  };
}

function averageRowSpaces(modules: readonly ModuleMeasures[]): Matrix | undefined {
  const all = modules.flatMap(({ rowSpaces }) => rowSpaces ?? []);
  const [first] = all;
  if (first === undefined || all.length < modules.length) return undefined;
  const mean = new Matrix(first.rows, first.cols);
  for (const own of all) addScaled(mean, 1 / all.length, own);
  return mean;
}

/** What a random B, or a random dense change, has in each module; by random matrix theory. */
function measureNoise(modules: readonly ModuleMeasures[], ranks: readonly number[]): NoiseMeasures {
  const shares = zip(modules, ranks).map(
    ([
      {
        shape: [rows],
      },
      rank,
    ]) => Math.min(rank / rows, 1),
  );
  const inside = sum(shares) / shares.length;
  return {
    shape:
      sum(modules.map(({ shape: [m, n] }) => Math.log((m * n) / (m + n + 1) || 1))) /
      modules.length,
    outside: 0.5 * Math.log(Math.max((1 - inside) / inside, rounding)),
    cosine: Math.sqrt(sum(modules.map(({ shape: [m, n] }) => 1 / (m * n)))) / modules.length,
    numbers: countFreeNumbers(modules),
  };
}

/** The number of free numbers of a change. */
export function countFreeNumbers(modules: readonly Pick<ModuleMeasures, "shape">[]): number {
  return sum(modules.map(({ shape: [m, n] }) => m * n));
}

/** The measures of some clients; a client may be there several times. */
export function selectClients(measures: ClientMeasures, rows: readonly number[]): ClientMeasures {
  const { cosines, size, shape, evenness, outside, rowSpaces } = measures;
  const { sample, groups, residuals, startsElsewhere, isDense, noise } = measures;
  const pickFrom = (values: Float64Array) => pickNumbers(values, rows);
  return {
    cosines: cosines.among(rows),
    ...(sample && { sample: findPlaces(rows, sample) }),
    size: pickFrom(size),
    shape: pickFrom(shape),
    evenness: pickFrom(evenness),
    outside: pickFrom(outside),
    ...(rowSpaces && { rowSpaces: rowSpaces.among(rows) }),
    ...(residuals && {
      residuals: { ...residuals, energies: pickFrom(residuals.energies) },
    }),
    groups: pick(groups, rows),
    startsElsewhere: pick(startsElsewhere, rows),
    isDense,
    noise,
  };
}

/** The places in a list at which any of some clients is. */
export function findPlaces(list: readonly number[], some: readonly number[]): number[] {
  const wanted = new Set(some);
  return list.flatMap((k, i) => (wanted.has(k) ? [i] : []));
}

/** The clients among some that all are compared with. */
export function takeSampled(
  some: readonly number[],
  sample: readonly number[] | undefined,
): readonly number[] {
  return sample ? pick(some, findPlaces(some, sample)) : some;
}

/**
 * The cosines of clients' changes, the mean over modules, K×K. A module that a client did not
 * change has cosine 0.
 * @param grams ⟨X_i, X_j⟩ by module, at least one
 */
export function meanCosines(grams: readonly Matrix[]): Matrix {
  const clients = item(grams, 0).rows;
  const cosines = new Matrix(clients, clients);
  for (const gram of grams) {
    const scale = indices(clients).map(
      (k) => 1 / (Math.sqrt(Math.max(gram.get(k, k), 0)) || Infinity),
    );
    for (let j = 0; j < clients; j++) {
      for (let i = 0; i < clients; i++) {
        const cosine = gram.get(i, j) * item(scale, i) * item(scale, j);
        cosines.data[i + j * clients] = at(cosines.data, i + j * clients) + cosine / grams.length;
      }
    }
  }
  return cosines;
}

/** Whether the median of the entries above the diagonal is a number or more; NaN are left out. */
export function isMedianAtLeast(entries: Matrix, least: number): boolean {
  let [count, reached] = [0, 0];
  for (let k = 1; k < entries.cols; k++) {
    const column = entries.column(k).subarray(0, k);
    for (let i = 0; i < k; i++) {
      const x = at(column, i);
      if (x >= least) reached++;
      if (!Number.isNaN(x)) count++;
    }
  }
  // Of an even number, the median is the mean of two entries, on both sides of the limit perhaps.
  if (2 * reached !== count) return 2 * reached > count;
  const above: number[] = [];
  for (let k = 1; k < entries.cols; k++) for (let i = 0; i < k; i++) above.push(entries.get(i, k));
  return median(above.filter((x) => !Number.isNaN(x))) >= least;
}

/** The cosines of whole changes, K×K. @param grams ⟨X_i, X_j⟩ by module, at least one */
export function wholeCosines(grams: readonly Matrix[]): Matrix {
  const whole = item(grams, 0).copy();
  for (const gram of grams.slice(1)) addScaled(whole, 1, gram);
  return meanCosines([whole]);
}

/**
 * Median cosine of every client with the others, itself and its copies left out, unless all are its
 * copies.
 * @param known those of the first clients, if they have been computed
 */
export function computeAgreement(
  { cosines, sample, groups }: Pick<ClientMeasures, "cosines" | "sample" | "groups">,
  others: readonly number[],
  known: Float64Array = new Float64Array(),
): Float64Array {
  const agreement = zeros(cosines.rows);
  const compared = takeSampled(others, sample);
  const room = zeros(compared.length);
  agreement.set(known);
  for (let k = known.length; k < cosines.rows; k++) {
    const own = listCosines(cosines, k, compared, groups, room);
    agreement[k] = medianInPlace(own.length > 0 ? own : listCosines(cosines, k, compared));
  }
  return agreement;
}

/** The robust deviation of every client's cosines with all others. */
export function computeSpread(cosines: Matrix): Float64Array {
  const all = indices(cosines.rows);
  return Float64Array.from(all, (k) => medianDeviation(listCosines(cosines, k, all)));
}

/**
 * The cosines of client k with the others, itself and the rest of its group left out.
 * @param own space for them
 */
function listCosines(
  cosines: Matrix,
  k: number,
  others: readonly number[],
  groups: readonly number[] = indices(cosines.rows),
  own = zeros(others.length),
): Float64Array {
  let count = 0;
  const column = k * cosines.rows;
  for (const j of others) if (groups[j] !== groups[k]) own[count++] = at(cosines.data, column + j);
  return own.subarray(0, count);
}

/** The clients that agree most, just over half of all. */
export interface AgreeingCore {
  /** Ascending. */
  readonly members: readonly number[];
  /** Whether every member has more in common with the others than it differs between them. */
  readonly isCertain: boolean;
  /** The median of the members' agreement. */
  readonly usual: number;
}

/**
 * Finds the clients whose median cosine with all others is largest. A median breaks down at one
 * half and is sensitive to signs, so no minority can make up such a core.
 * @param sample the clients that all are compared with; by default all
 */
export function findAgreeingCore(cosines: Matrix, sample?: readonly number[]): AgreeingCore {
  const all = indices(cosines.rows);
  const others = sample ?? all;
  const agreement = computeAgreement({ cosines, groups: all }, others);
  const members = all
    .toSorted((i, j) => at(agreement, j) - at(agreement, i))
    .slice(0, Math.floor(all.length / 2) + 1)
    .sort((i, j) => i - j);
  const isCertain = members.every(
    (k) => at(agreement, k) > medianDeviation(listCosines(cosines, k, others)),
  );
  return { members, isCertain, usual: median(pick(agreement, members)) };
}

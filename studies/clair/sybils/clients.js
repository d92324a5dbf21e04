import { cholesky, choleskySolve, Matrix, multiplyNT, sum } from "@fedclair/linalg";

// Clients of a federation with low-rank pairs: each change is B·A, of which all clients share a
// part, each has a part of its own that lasts, and each round adds chance.
const modules = ["q", "v", "up"];
const [height, width, rank] = [48, 32, 4];
/** Shares of the norm of B. */
const [common, lasting, chance] = [0.6, 0.5, 0.6];
/** How far A has moved from where all began, relative to its norm. */
const moved = 0.1;

/**
 * @param stay rounds after which another client takes the place of an honest one
 * @returns what honest clients send, and what attackers make of it
 */
export function createClients(rng, stay = Infinity) {
  const parts = new Map(
    modules.map((module) => [
      module,
      {
        a: normals(rng.at(module, "a"), rank * width),
        b: signs(rng.at(module, "b"), height * rank),
        own: new Map(),
      },
    ]),
  );
  /** The change of a client without harm. */
  const train = (k, round) =>
    new Map(
      modules.map((module) => {
        const { a, b, own } = parts.get(module);
        if (!own.has(k)) own.set(k, signs(rng.at(module, "own", k), height * rank));
        const drawn = rng.at(module, "round", round, k);
        const noise = signs(drawn.at("b"), height * rank);
        const move = normals(drawn.at("a"), rank * width);
        const size = Math.exp(0.15 * rng.at("size", k).normal()) * 0.1;
        return [
          module,
          {
            b: b.map((x, i) => size * (common * x + lasting * own.get(k)[i] + chance * noise[i])),
            a: a.map((x, i) => x + moved * move[i]),
          },
        ];
      }),
    );
  /** Who has been at the place of client k before; they do not all leave in the same round. */
  const countBefore = (k, round) => Math.floor((round + k) / stay);
  const trainAt = (k, round) => train(k + 1000 * countBefore(k, round), round);
  return {
    train,
    trainAt,
    honest: (round, honestCount) =>
      Array.from({ length: honestCount }, (_, k) =>
        toUpdate(`client-${k}-${countBefore(k, round)}`, trainAt(k, round)),
      ),
  };
}

/** A change as the update of a client. @param rows rank of its pairs, at most that of the change */
export function toUpdate(clientId, change) {
  const delta = new Map(
    [...change].map(([module, { b, a }]) => [
      module,
      {
        b: { shape: [height, b.length / height], data: Float32Array.from(b) },
        a: { shape: [a.length / width, width], data: Float32Array.from(a) },
      },
    ]),
  );
  return { clientId, delta, numExamples: 10, metrics: {} };
}

/** An update without pairs. */
export function multiplyOut({ delta, ...rest }) {
  const multiplied = new Map();
  for (const [module, change] of delta) {
    const { b, a } = change;
    if (!a) {
      multiplied.set(module, change);
      continue;
    }
    const data = Float32Array.from({ length: height * width }, (_, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      const terms = Array.from(
        { length: a.shape[0] },
        (_, k) => b.data[row * a.shape[0] + k] * a.data[k * width + column],
      );
      return terms.reduce((sum, term) => sum + term, 0);
    });
    multiplied.set(module, { shape: [height, width], data });
  }
  return { ...rest, delta: multiplied };
}

/**
 * How much of each honest change is in a result, by least squares, relative to an even mean. It may
 * have come by way of others.
 */
export function measureWeights(terms, honest) {
  const flatten = (updates) => {
    const deltas = updates.map((update) => multiplyOut(update).delta);
    return modules.flatMap((module) =>
      Array.from({ length: height * width }, (_, i) =>
        sum(deltas.map((delta) => delta.get(module)?.data[i] ?? 0)),
      ),
    );
  };
  const sent = Matrix.fromRows(honest.map((update) => flatten([update])));
  const result = Matrix.fromRows([flatten(terms.map((delta) => ({ delta })))]);
  const root = cholesky(multiplyNT(sent, sent));
  if (!root) throw new Error("expected honest changes that differ");
  return [...choleskySolve(root, multiplyNT(sent, result)).data].map((w) => w * honest.length);
}

/** A change times a factor. */
export function scale(change, factor) {
  return mapB(change, (b) => b.map((x) => factor * x));
}

/** A change with noise of a size relative to B. */
export function addNoise(change, share, rng) {
  return mapB(change, (b, module) => {
    const size = share * Math.sqrt(b.reduce((total, x) => total + x * x, 0) / b.length);
    const noise = normals(rng.at(module), b.length);
    return b.map((x, i) => x + size * noise[i]);
  });
}

/** A sum of changes, by the pairs of all. @param terms changes with their weights */
export function combine(terms) {
  const combined = new Map();
  for (const module of modules) {
    const parts = terms.map(([change, weight]) => ({ ...change.get(module), weight }));
    const rows = Array.from({ length: height }, (_, i) =>
      parts.flatMap(({ b, weight }) => b.slice(i * rank, (i + 1) * rank).map((x) => weight * x)),
    );
    combined.set(module, { b: rows.flat(), a: parts.flatMap(({ a }) => a) });
  }
  return combined;
}

/** A change with one module of another change. @param i number of the module */
export function replaceModule(change, other, i) {
  const name = modules[i % modules.length];
  return new Map(
    [...change].map(([module, own]) => [module, module === name ? other.get(module) : own]),
  );
}

/** A change of which only the first directions are left. */
export function cutRank(change, left) {
  return new Map(
    [...change].map(([module, { b, a }]) => [
      module,
      {
        b: Array.from(
          { length: height * left },
          (_, i) => b[Math.floor(i / left) * rank + (i % left)],
        ),
        a: a.slice(0, left * width),
      },
    ]),
  );
}

function mapB(change, mapping) {
  return new Map([...change].map(([module, { b, a }]) => [module, { b: mapping(b, module), a }]));
}

function normals(rng, count) {
  return Array.from(rng.normals(count));
}

function signs(rng, count) {
  return normals(rng, count).map((x) => Math.sign(x) * (1 + 0.2 * Math.abs(x)));
}

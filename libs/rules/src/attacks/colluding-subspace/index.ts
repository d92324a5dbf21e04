import { isLowRank, deltaShape, type Attack, type Plugin } from "@fedclair/core";
import { Matrix, multiply, type Stream } from "@fedclair/linalg";
import { z } from "zod";
import { forgeAtMedianNorm } from "../forging.js";
import { pairLike, tensorLike } from "../modules.js";

const schema = z.strictObject({
  kind: z
    .enum(["random", "same", "line"])
    .default("random")
    .describe(
      "random: own coefficients in the shared subspace; same: shared coefficients too, all send one update; " +
        "line: own coefficients along one shared direction",
    ),
  scale: z
    .number()
    .positive()
    .default(1)
    .describe("Norm of a forged module, in median norms of the honest updates"),
  rank: z
    .int()
    .min(1)
    .default(3)
    .describe("Dimensions of the shared subspace in a dense module; factors keep their own rank"),
});

type Options = z.output<typeof schema>;

/**
 * All contaminated clients send U_a·C_k with the same Gaussian column space U_a (p×r). It is drawn
 * again for every module and round, because honest increments also span a new space in every round.
 * The update is scaled to `scale` × the median Frobenius norm of the module's honest updates.
 * Omniscient.
 *
 * Clients with different ranks share the leading columns. A dense tensor is read as a matrix of its
 * first extent by all others.
 */
export const colludingSubspace: Plugin<Attack> = {
  name: "colluding-subspace",
  summary: "Colluding: random updates that all lie in one low-rank subspace.",
  schema,
  create: ({ kind, scale, rank }: Options): Attack => ({
    attackRound: (round) => ({
      updates: forgeAtMedianNorm(round, scale, (like, module, clientId) => {
        const common = round.rng.at("common", module);
        const coefficients = kind === "same" ? common : round.rng.at("own", clientId, module);
        const [p = 1, ...rest] = deltaShape(like);
        const q = rest.reduce((product, extent) => product * extent, 1);
        const r = isLowRank(like) ? (like.b.shape[1] ?? 1) : rank;
        const u = kind === "line" ? line(p, r, common) : columns(p, r, common);
        const c = columns(q, r, coefficients.at("c")).transpose();
        if (!isLowRank(like)) return tensorLike(like, multiply(u, c).toRowMajor());
        return pairLike(like, u, c);
      }),
    }),
  }),
};

/**
 * Draws Gaussian columns one after another, so that a smaller count gives the leading columns of a
 * larger one.
 */
function columns(length: number, count: number, rng: Stream): Matrix {
  return new Matrix(length, count, rng.normals(length * count));
}

/** One Gaussian column, repeated: a product of rank one in the same shape. */
function line(length: number, count: number, rng: Stream): Matrix {
  const direction = rng.normals(length);
  return multiply(
    new Matrix(length, 1, direction),
    new Matrix(1, count, new Float64Array(count).fill(1)),
  );
}

import {
  readNumbers,
  isLowRank,
  type Attack,
  type TensorDelta,
  type Plugin,
  type Update,
} from "@fedclair/core";
import {
  addScaled,
  frobenius,
  leadingLeft,
  Matrix,
  multiply,
  multiplyTN,
  type Stream,
} from "@fedclair/linalg";
import { z } from "zod";
import { forgeAtMedianNorm, referenceUpdates, getModule } from "../forging.js";
import { leftBlock, pairLike, rankOf, tensorLike } from "../modules.js";

const schema = z.strictObject({
  scale: z
    .number()
    .positive()
    .default(3)
    .describe("Norm of a forged module, in median norms of the honest updates"),
  off: z
    .number()
    .min(0)
    .default(0.1)
    .describe("Norm of the part outside the honest subspace, in norms of the part inside it"),
  rank: z
    .int()
    .min(1)
    .default(3)
    .describe("Dimensions of the honest subspace in a dense module; factors keep their own rank"),
});

type Options = z.output<typeof schema>;

/**
 * Hides a small harmful part behind a large harmless one. The update is U·C plus a part outside the
 * subspace: U holds the leading left singular vectors of the module's honest updates, and C is
 * Gaussian and different for each client. The outside part has the norm `off` · |U·C|; it is absent
 * if the subspace is the whole space. The update is written as (U + t·E)·C with E orthogonal to U,
 * so that factors keep their rank. Omniscient.
 */
export const masked: Plugin<Attack> = {
  name: "masked",
  summary: "A large random part inside the honest subspace that hides a small one outside it.",
  schema,
  create: ({ scale, off, rank }: Options): Attack => ({
    attackRound: (round) => {
      const models = referenceUpdates(round);
      const updates = forgeAtMedianNorm(round, scale, (like, module, clientId) => {
        const r = isLowRank(like) ? rankOf(like) : rank;
        return mask(like, computeSubspace(models, module, r), off, round.rng.at(clientId, module));
      });
      return { updates };
    },
  }),
};

/**
 * A p×r basis of the honest subspace, with fewer columns if there are fewer rows. Updates are
 * sorted by client id, so that rounding does not depend on their order.
 */
function computeSubspace(updates: readonly Update[], module: string, rank: number): Matrix {
  const blocks = updates
    .toSorted((x, y) => (x.clientId < y.clientId ? -1 : 1))
    .map(({ delta }) => leftBlock(getModule(delta, module)));
  return leadingLeft(blocks, Math.min(rank, blocks[0]?.rows ?? 0));
}

function mask(like: TensorDelta, u: Matrix, off: number, rng: Stream): TensorDelta {
  const columns = isLowRank(like) ? (like.a.shape[1] ?? 1) : readNumbers(like).length / u.rows;
  const rank = isLowRank(like) ? rankOf(like) : u.cols;
  const c = new Matrix(rank, columns, rng.at("c").normals(rank * columns));
  const inside = new Matrix(u.rows, rank);
  inside.data.set(u.data);
  const outside = new Matrix(u.rows, rank, rng.at("e").normals(u.rows * rank));
  addScaled(outside, -1, multiply(u, multiplyTN(u, outside)));
  const outsideNorm = u.cols < u.rows ? frobenius(multiply(outside, c)) : 0;
  if (outsideNorm > 0) {
    addScaled(inside, (off * frobenius(multiply(inside, c))) / outsideNorm, outside);
  }
  if (isLowRank(like)) return pairLike(like, inside, c);
  return tensorLike(like, multiply(inside, c).toRowMajor());
}

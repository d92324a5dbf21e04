import { isLowRank, deltaShape, type Attack, type TensorDelta, type Plugin } from "@fedclair/core";
import { addScaled, hstack, Matrix, multiply, norm, Stream } from "@fedclair/linalg";
import { z } from "zod";
import { mapModules, medianNorms, referenceUpdates, getModule } from "../forging.js";
import { productLike, tensorLike, asRowMatrix } from "../modules.js";

const schema = z.strictObject({
  scale: z
    .number()
    .positive()
    .default(3)
    .describe("Norm of the added direction, in median norms of the honest updates of the module"),
});

/**
 * Adds one direction to honest learning: X + γ·b·aᵀ, with unit vectors b and a that all attackers
 * share. They are drawn in the attack's first round and stay the same for the whole run, because a
 * trigger must not change while it is learned. For factors of rank r, the attackers send the best
 * approximation of rank r, so the trigger replaces their weakest direction.
 */
export const backdoor: Plugin<Attack> = {
  name: "backdoor",
  summary: "Colluding: the honest update plus one fixed rank-one direction for all rounds.",
  schema,
  create: ({ scale }: z.output<typeof schema>): Attack<string> => ({
    /** @param path of the random stream for the triggers, taken from the first round */
    attackRound: (round, path = round.rng.path) => {
      const first = new Stream(path);
      const norms = medianNorms(referenceUpdates(round));
      const updates = mapModules(round.own, (module, name) =>
        plant(module, scale * getModule(norms, name), first.at("trigger", name)),
      );
      return { updates, state: path };
    },
  }),
};

function plant(module: TensorDelta, size: number, trigger: Stream): TensorDelta {
  const [p = 1, ...rest] = deltaShape(module);
  const q = rest.reduce((product, extent) => product * extent, 1);
  const b = new Matrix(p, 1, unit(trigger.at("b").normals(p))).scale(size);
  const a = new Matrix(1, q, unit(trigger.at("a").normals(q)));
  if (isLowRank(module)) {
    const wideA = hstack([asRowMatrix(module.a).transpose(), a.transpose()]).transpose();
    return productLike(module, hstack([asRowMatrix(module.b), b]), wideA);
  }
  const x = asRowMatrix(module);
  addScaled(x, 1, multiply(b, a));
  return tensorLike(module, x.toRowMajor());
}

function unit(vector: Float64Array): Float64Array {
  const length = norm(vector);
  return vector.map((x) => x / length);
}

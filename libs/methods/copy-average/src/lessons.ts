import type { Contaminating, Shard } from "@fedclair/core";
import { Matrix, stream } from "@fedclair/linalg";
import { z } from "zod";
import type { Network } from "./network.js";
import type { Options } from "./options.js";
import { orthonormal, type Normals } from "./random.js";
import type { Lesson } from "./train.js";

/** Ways to contaminate a client through the teacher that it distils. */
export const contaminations = new Map([
  [
    "other-teacher",
    z
      .strictObject({})
      .describe("A different teacher for each client, of the same form but in another subspace"),
  ],
  [
    "shared-other-teacher",
    z.strictObject({}).describe("One different teacher for all contaminated clients"),
  ],
  ["sign-flip", z.strictObject({}).describe("The negated teacher, in the same subspace")],
]);

/** Draws the teacher: k orthonormal neurons with outgoing weights of 1. */
export function drawTeacher({ k, d, teacherSeed }: Options): Network {
  return unitOut(orthonormal(k, d, stream(teacherSeed).at("teacher")));
}

/**
 * Returns the teacher that a client distils and the covariance of its inputs: independent inputs
 * with the client's own variances.
 */
export function createLesson(options: Options, teacher: Network, shard: Shard): Lesson {
  const { activation, heterogeneity, d } = options;
  const covariance = Matrix.identity(d);
  shard.rng
    .at("variances")
    .normals(d, heterogeneity)
    .forEach((z, l) => (covariance.data[l * (d + 1)] = Math.exp(z)));
  const distilled = shard.contamination
    ? contaminatedTeacher(options, teacher, shard.rng.at("teacher"), shard.contamination)
    : teacher;
  return { activation, teacher: distilled, ...(heterogeneity > 0 && { covariance }) };
}

function contaminatedTeacher(
  { k, d }: Options,
  { hidden, out }: Network,
  own: Normals,
  { kind, common }: Contaminating,
): Network {
  switch (kind) {
    case "other-teacher":
      return unitOut(orthonormal(k, d, own));
    case "shared-other-teacher":
      return unitOut(orthonormal(k, d, common.at("teacher")));
    case "sign-flip":
      return { hidden, out: out.map((b) => -b) };
    default:
      throw new Error(`copy-average: no contamination '${kind}'`);
  }
}

function unitOut(hidden: Matrix): Network {
  return { hidden, out: new Float64Array(hidden.cols).fill(1) };
}

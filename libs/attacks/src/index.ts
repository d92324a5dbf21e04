import type { Attack, Registry } from "@fedclair/core";
import { broken } from "./broken/broken.js";
import { colludingSubspace } from "./colluding-subspace/colluding-subspace.js";
import { contaminatedData } from "./contaminated-data/contaminated-data.js";
import { gaussianUpdate } from "./gaussian-update/gaussian-update.js";
import { labelNoise } from "./label-noise/label-noise.js";
import { randomTargets } from "./random-targets/random-targets.js";
import { scaling } from "./scaling/scaling.js";
import { signFlip } from "./sign-flip/sign-flip.js";
import { targetShift } from "./target-shift/target-shift.js";

/** Every attack that a trial file can name. */
export const attacks: Registry<Attack> = new Map(
  [
    labelNoise,
    randomTargets,
    targetShift,
    gaussianUpdate,
    signFlip,
    scaling,
    colludingSubspace,
    broken,
    contaminatedData,
  ].map((attack) => [attack.name, attack]),
);

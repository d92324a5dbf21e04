import type { Attack, Plugin, Registry } from "@fedclair/core";
import { alieAttack } from "./alie/alie.js";
import { backdoor } from "./backdoor/backdoor.js";
import { broken } from "./broken/broken.js";
import { colludingSubspace } from "./colluding-subspace/colluding-subspace.js";
import { contaminatedData } from "./contaminated-data/contaminated-data.js";
import { freeRider } from "./free-rider/free-rider.js";
import { gaussianUpdate } from "./gaussian-update/gaussian-update.js";
import { ipmAttack } from "./ipm/ipm.js";
import { labelFlip } from "./label-flip/label-flip.js";
import { labelNoise } from "./label-noise/label-noise.js";
import { masked } from "./masked/masked.js";
import { minMaxAttack } from "./min-max/min-max.js";
import { randomTargets } from "./random-targets/random-targets.js";
import { scaling } from "./scaling/scaling.js";
import { signFlip } from "./sign-flip/sign-flip.js";
import { stale } from "./stale/stale.js";
import { targetShift } from "./target-shift/target-shift.js";

export { alie, alieDeviations } from "./alie/alie.js";
export { ipm } from "./ipm/ipm.js";
export { minMax, type MinMax } from "./min-max/min-max.js";

const plugins: readonly Plugin<Attack>[] = [
  labelNoise,
  randomTargets,
  labelFlip,
  targetShift,
  contaminatedData,
  gaussianUpdate,
  signFlip,
  scaling,
  stale,
  freeRider,
  alieAttack,
  ipmAttack,
  minMaxAttack,
  colludingSubspace,
  masked,
  backdoor,
  broken,
];

/** Every attack that a trial file can name. */
export const attacks: Registry<Plugin<Attack>> = new Map(plugins.map((p) => [p.name, p]));

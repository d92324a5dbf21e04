import type { Attack, Plugin, Registry } from "@fedclair/core";
import { alieAttack } from "./alie/index.js";
import { backdoor } from "./backdoor/index.js";
import { broken } from "./broken/index.js";
import { colludingSubspace } from "./colluding-subspace/index.js";
import { contaminatedData } from "./contaminated-data/index.js";
import { declared } from "./declared/index.js";
import { freeRider } from "./free-rider/index.js";
import { gaussianUpdate } from "./gaussian-update/index.js";
import { ipmAttack } from "./ipm/index.js";
import { labelFlip } from "./label-flip/index.js";
import { labelNoise } from "./label-noise/index.js";
import { masked } from "./masked/index.js";
import { minMaxAttack } from "./min-max/index.js";
import { randomTargets } from "./random-targets/index.js";
import { scaling } from "./scaling/index.js";
import { signFlip } from "./sign-flip/index.js";
import { stale } from "./stale/index.js";
import { targetShift } from "./target-shift/index.js";

export { mapModules } from "./forging.js";
export { changeLike } from "./modules.js";
export { coordinateDeviations, coordinateMeans } from "./statistics.js";
export { alie, alieDeviations } from "./alie/index.js";
export { ipm } from "./ipm/index.js";
export { minMax, type MinMax } from "./min-max/index.js";

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
  declared,
];

/** Every attack that a trial file can name. */
export const attacks: Registry<Plugin<Attack>> = new Map(plugins.map((p) => [p.name, p]));

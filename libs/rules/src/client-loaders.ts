import type { Attack, Loaders, Mod, PersonalMethod, Plugin } from "@fedclair/core";

/*
 * Loaders of what acts at clients. Like aggregators, each is imported only when a trial names it.
 */

/** Every attack that a trial file can name. */
export const attackLoaders = {
  "label-noise": async () => (await import("./attacks/label-noise/index.js")).labelNoise,
  "random-targets": async () => (await import("./attacks/random-targets/index.js")).randomTargets,
  "label-flip": async () => (await import("./attacks/label-flip/index.js")).labelFlip,
  "target-shift": async () => (await import("./attacks/target-shift/index.js")).targetShift,
  "contaminated-data": async () =>
    (await import("./attacks/contaminated-data/index.js")).contaminatedData,
  "gaussian-update": async () =>
    (await import("./attacks/gaussian-update/index.js")).gaussianUpdate,
  "sign-flip": async () => (await import("./attacks/sign-flip/index.js")).signFlip,
  scaling: async () => (await import("./attacks/scaling/index.js")).scaling,
  stale: async () => (await import("./attacks/stale/index.js")).stale,
  "free-rider": async () => (await import("./attacks/free-rider/index.js")).freeRider,
  alie: async () => (await import("./attacks/alie/index.js")).alieAttack,
  ipm: async () => (await import("./attacks/ipm/index.js")).ipmAttack,
  "min-max": async () => (await import("./attacks/min-max/index.js")).minMaxAttack,
  "colluding-subspace": async () =>
    (await import("./attacks/colluding-subspace/index.js")).colludingSubspace,
  masked: async () => (await import("./attacks/masked/index.js")).masked,
  backdoor: async () => (await import("./attacks/backdoor/index.js")).backdoor,
  broken: async () => (await import("./attacks/broken/index.js")).broken,
  declared: async () => (await import("./attacks/declared/index.js")).declared,
} satisfies Loaders<Plugin<Attack>>;

/** Every mod that a trial file can name. */
export const modLoaders = {
  "differential-privacy": async () =>
    (await import("./mods/differential-privacy/index.js")).differentialPrivacy,
  "worker-momentum": async () => (await import("./mods/worker-momentum/index.js")).workerMomentum,
  encoding: async () => (await import("./mods/encoding/index.js")).encoding,
} satisfies Loaders<Plugin<Mod>>;

/** Every personal method that a trial file can name. */
export const personalLoaders = {
  "fine-tuned": async () => (await import("./personal/fine-tuned/index.js")).fineTuned,
  ditto: async () => (await import("./personal/ditto/index.js")).ditto,
  fedper: async () => (await import("./personal/fedper/index.js")).fedper,
  fedrep: async () => (await import("./personal/fedrep/index.js")).fedrep,
  apfl: async () => (await import("./personal/apfl/index.js")).apfl,
  pfedme: async () => (await import("./personal/pfedme/index.js")).pfedme,
  ifca: async () => (await import("./personal/ifca/index.js")).ifca,
} satisfies Loaders<Plugin<PersonalMethod>>;

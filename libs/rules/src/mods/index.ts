import type { Mod, Plugin, Registry } from "@fedclair/core";
import { encoding } from "./encoding/index.js";
import { differentialPrivacy } from "./differential-privacy/index.js";
import { workerMomentum } from "./worker-momentum/index.js";

const plugins: readonly Plugin<Mod>[] = [differentialPrivacy, workerMomentum, encoding];

/** Every mod that a trial file can name. */
export const mods: Registry<Plugin<Mod>> = new Map(plugins.map((p) => [p.name, p]));

import type { Mod, Plugin, Registry } from "@fedclair/core";
import { differentialPrivacy } from "./differential-privacy/index.js";

const plugins: readonly Plugin<Mod>[] = [differentialPrivacy];

/** Every mod that a trial file can name. */
export const mods: Registry<Plugin<Mod>> = new Map(plugins.map((p) => [p.name, p]));

import type { PersonalMethod, Plugin, Registry } from "@fedclair/core";
import { apfl } from "./apfl/index.js";
import { ditto } from "./ditto/index.js";
import { fedper } from "./fedper/index.js";
import { fedrep } from "./fedrep/index.js";
import { fineTuned } from "./fine-tuned/index.js";
import { ifca } from "./ifca/index.js";
import { pfedme } from "./pfedme/index.js";

const plugins: readonly Plugin<PersonalMethod>[] = [
  fineTuned,
  ditto,
  fedper,
  fedrep,
  apfl,
  pfedme,
  ifca,
];

/** Every personal method that a trial file can name. */
export const personal: Registry<Plugin<PersonalMethod>> = new Map(plugins.map((p) => [p.name, p]));

import type { TensorDelta } from "@fedclair/core";
import type { ClairOptions } from "./options.js";
import { Part } from "./part.js";
import { here, type Parts } from "./parts.js";

/** Makes parts of what clients sent: by module, by client. */
export type Place = (modules: readonly (readonly TensorDelta[])[], options: ClairOptions) => Parts;

export const inThisThread: Place = (modules, options) =>
  here(modules.map((updates) => new Part(updates, options)));

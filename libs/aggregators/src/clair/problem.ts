import type { ClairOptions } from "./options.js";
import type { Parts } from "./parts.js";
import type { Facts } from "./views.js";

/** What the search and the detection fit and score: the views of all modules together, or those of one. */
export interface Problem {
  readonly parts: Parts;
  /** By view, in the order in which the parts answer. */
  readonly facts: readonly Facts[];
  /** Number of active clients. */
  readonly size: number;
  readonly pooling: ClairOptions["pooling"];
}

import type { Delta, LowRank, TensorDelta, Update, Verdict } from "@fedclair/core";
import type { Condensed } from "./condense.js";
import type { Power } from "../judge/controls.js";
import type { RoundVerdict } from "../judge/evidence.js";
import type { ClairOptions } from "../options.js";
import type { ModuleGroup } from "./module-state.js";

/** The part of an update that CLAIR uses without earlier rounds. */
export type GroupUpdate = Pick<Update, "clientId" | "numExamples" | "delta">;

/** The judgement of one group, as plain data. */
export interface JudgedGroup {
  /** The mean of the clients that take part in what the group shares, as a sum of terms. */
  readonly change: readonly Delta[];
  /** The weight of the mean. */
  readonly weight: number;
  /** One for each client, in the order of the updates. */
  readonly verdicts: readonly Verdict[];
  readonly contaminated: number;
  readonly inactive: number;
  /** The positive controls in the group; absent if none were planted. */
  readonly controls: Pick<RoundVerdict, "power" | "cleared"> | undefined;
}

/** What `worker.ts` creates in a thread. */
export interface ThreadObjects {
  /** @param updates updates by module, then by client */
  modules(updates: readonly (readonly TensorDelta[])[], options: ClairOptions): ModuleGroup;
  clients(
    updates: readonly GroupUpdate[],
    options: ClairOptions,
  ): { judge(power: Power | undefined): Promise<JudgedGroup> };
  condenser(): { condense(pairs: readonly LowRank[]): Condensed };
}

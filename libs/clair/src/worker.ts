/** The script of the threads that host modules and groups of clients. */
import type { LowRank } from "@fedclair/core";
import { ThreadService } from "@fedclair/threads";
import { condense, type Condensed } from "./modules/condense.js";
import { ClientGroup } from "./grouped-clair.js";
import { ModuleGroup } from "./modules/module-state.js";
import type { ClairOptions } from "./options.js";
import type { ThreadObjects } from "./modules/module-pool.js";
import { inSharedMemory, restore } from "./updates/shared-memory.js";

function condenseShared(pairs: readonly LowRank[]): Condensed {
  const condensed = condense(pairs);
  return { ...condensed, pairs: condensed.pairs.map((pair) => inSharedMemory(pair)) };
}

const makers: ThreadObjects = {
  modules: (updates, options) => new ModuleGroup(updates, options),
  clients: (updates, options) => new ClientGroup(updates, options as ClairOptions),
  condenser: () => ({ condense: condenseShared }),
};
const transferred = ["refine", "refineToPairs", "blendToPairs", "judge"];
new ThreadService(makers, { restore, transferred });

/** The script of the threads that host modules and groups of clients. */
import type { LowRank } from "@fedclair/core";
import { ThreadService } from "@fedclair/threads";
import { condense, type Condensed } from "./modules/condense.js";
import { ClientGroup } from "./client-group.js";
import { ModuleGroup } from "./modules/module-state.js";
import type { ThreadObjects } from "./modules/thread-objects.js";
import { inSharedMemory, restore } from "./updates/transfer.js";

function condenseShared(pairs: readonly LowRank[]): Condensed {
  const condensed = condense(pairs);
  return { ...condensed, pairs: condensed.pairs.map((pair) => inSharedMemory(pair)) };
}

const makers: ThreadObjects = {
  modules: (updates, options) => new ModuleGroup(updates, options),
  clients: (updates, options) => new ClientGroup(updates, options),
  condenser: () => ({ condense: condenseShared }),
};
const transferred = ["refine", "refineToPairs", "blendToPairs", "judge"];
new ThreadService(makers, { restore, transferred });

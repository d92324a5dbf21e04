export { ThreadActivity, type Doing } from "./activity.js";
export { hostHere, type Hosted } from "./hosted.js";
export { NumberPages, PageUse } from "./number-pages.js";
export { ThreadService } from "./serve.js";
export { Overdue, Thread, ThreadEnded, type ThreadOptions } from "./thread.js";
export { ThreadPool } from "./thread-pool.js";
export type { TimeLimit } from "./progress-watch.js";
export { copyPlain, restoreTensor, shareDense, toPostable, type InFile } from "./transfer.js";

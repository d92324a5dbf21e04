import { ClientRunner } from "./client-runner.js";
import { ForgingPool } from "./forging-pool.js";
import { MemoryPool } from "./memory-pool.js";
import { describeClientPool } from "./testing/index.js";

describeClientPool("MemoryPool", (trial, plugins) =>
  Promise.resolve(new MemoryPool(new ClientRunner(trial, plugins))),
);

describeClientPool("ForgingPool", (trial, plugins) => {
  const runner = new ClientRunner(trial, plugins);
  return Promise.resolve(new ForgingPool(new MemoryPool(runner), runner.contamination));
});

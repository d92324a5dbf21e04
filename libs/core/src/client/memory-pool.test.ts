import { ClientRunner } from "./client-runner.js";
import { MemoryPool } from "./memory-pool.js";
import { describeClientPool, prepare } from "../../testing/index.js";

describeClientPool("MemoryPool", (trial, plugins) =>
  Promise.resolve(new MemoryPool(new ClientRunner(prepare(trial, plugins)))),
);

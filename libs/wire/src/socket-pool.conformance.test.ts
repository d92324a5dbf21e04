import { ClientRunner, clientIds } from "@fedclair/core/internal";
import { describeClientPool, prepare } from "@fedclair/core/testing";
import { connectHost } from "./connect-host.js";
import { SocketPool } from "./socket-pool.js";

/** Small frames, so that even the toy's messages are split. */
const limits = { chunkBytes: 50 };

describeClientPool("SocketPool with two hosts", async (trial, plugins) => {
  const ids = clientIds(trial.clients);
  const pool = await SocketPool.listen({
    clientIds: ids,
    trialJson: JSON.stringify(trial),
    ...limits,
  });
  for (let i = 0; i < 2; i++) {
    const runner = new ClientRunner(prepare(trial, plugins));
    void connectHost({
      url: pool.url,
      capacity: Math.ceil(ids.length / 2),
      backends: ["none"],
      softwareVersion: "test",
      onWelcome: () => runner.prepare(),
      runJobs: (jobs) => runner.runAll(jobs),
      jobsAtOnce: () => runner.maxBatch,
    });
  }
  return pool;
});

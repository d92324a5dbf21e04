// Trains clients of a trial in this process, as `fedclair run --transport memory` does.
import { loadBackend } from "@fedclair/compute";
import {
  ClientRunner,
  clientIds,
  createPlugin,
  jobFor,
  MemoryPool,
  parseTrial,
  prepareTask,
  startTrial,
} from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import { loadBuiltIn } from "@fedclair/plugins";

/**
 * @param {object} content content of a trial file
 * @param {string} [phase] phase in which the clients train; default: the first phase of the task
 * @returns `train` trains the clients of some indices from the trial's first params; `backend` is
 *   the
 *   backend of TensorFlow.js
 */
export async function createTrainer(content, phase) {
  const builtIn = await loadBuiltIn(JSON.stringify(content));
  const trial = parseTrial(JSON.stringify(content), "bench", builtIn);
  const { name: backend } = await loadBackend();
  const pool = new MemoryPool(new ClientRunner(trial, builtIn));
  await pool.ready();
  const [ids, rng] = [clientIds(trial.clients), stream(trial.seed)];
  const task = createPlugin(builtIn.tasks, trial.task);
  await prepareTask(task, trial.task.name);
  const { params: base, ask } = await startTrial(task, ids, rng);
  const round = { round: 1, phase: phase ?? ask.phase, kind: "train", admit: () => undefined };
  const plan = { clientIds: ids, rng };
  const params = { base, rounds: [] };
  const train = async (indices) => {
    const jobs = indices.map((index) => jobFor(plan, { ...round, clientId: ids[index], params }));
    for await (const answer of pool.ask(jobs, new AbortController().signal)) {
      if ("failure" in answer) throw new Error(`${answer.clientId}: ${answer.failure.message}`);
    }
  };
  return { train, backend };
}

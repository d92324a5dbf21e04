// Trains clients of a trial in this process, as `fedclair run --transport memory` does.
import { loadBackend } from "@fedclair/compute";
import {
  ClientRunner,
  jobFor,
  MemoryPool,
  prepareResolvedTrial,
  readTrialSource,
  resolveTrial,
  startTrial,
} from "@fedclair/core/internal";
import { loadBuiltIn } from "@fedclair/plugins";

/**
 * @param {object} content content of a trial file
 * @param {string} [phase] phase in which the clients train; default: the first phase of the task
 * @returns `train` trains the clients of some indices from the trial's first params; `backend` is
 *   the
 *   backend of TensorFlow.js
 */
export async function createTrainer(content, phase) {
  const builtIn = await loadBuiltIn(content);
  const trial = resolveTrial(readTrialSource(JSON.stringify(content), "bench"), builtIn);
  const prepared = prepareResolvedTrial(trial, builtIn, "bench");
  const { name: backend } = await loadBackend();
  const pool = new MemoryPool(new ClientRunner(prepared));
  await pool.ready();
  const { clientIds: ids, rng } = prepared;
  const { params: base, ask } = await startTrial(await prepared.loadTask(), ids, rng);
  const round = { round: 1, phase: phase ?? ask.phase, kind: "train" };
  const plan = { clientIds: ids, rng };
  const params = { base, rounds: [] };
  const train = async (indices) => {
    const jobs = indices.map((index) => jobFor(plan, { ...round, clientId: ids[index], params }));
    for await (const answer of pool.ask(jobs, () => undefined, new AbortController().signal)) {
      if ("failure" in answer) throw new Error(`${answer.clientId}: ${answer.failure.message}`);
    }
  };
  return { train, backend };
}

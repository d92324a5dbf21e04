import { stream, type Stream } from "@fedclair/linalg";
import { resolveParams } from "../tensors/client-params.js";
import { clientIds, clientIndex } from "../contracts/clients.js";
import { contaminate, type Contamination } from "../trial/contamination.js";
import type { Plugins } from "../contracts/plugin.js";
import type { Answer, Job } from "../contracts/pool.js";
import type { LocalTrainer, Shard, Task, TrainJob, TrainResult } from "../contracts/task.js";
import { checkContamination, contaminationsOf } from "../trial/data-contamination.js";
import { failure, errorMessage, errorLocation, UserError, type Failure } from "../words/errors.js";
import { elsewhere, externalClients } from "../trial/external-clients.js";
import { clientHalves, modsOf, type TrialMod } from "../trial/mods.js";
import { checkedResult } from "../contracts/result.js";
import { copyParams, type Params } from "../tensors/tensor.js";
import { describeValue } from "../words/type-text.js";
import { withinLimit } from "./time-limit.js";
import { createPlugin, type Trial } from "../trial/trial.js";

/** A job as a client host sees it: with everything it needs, since virtual clients keep nothing between jobs. */
export type ClientJob = Omit<Job, "admit">;

export type OnClientError = (job: ClientJob, error: unknown) => void;

/** Told of a task, by its name, whose `trainCohort` fails where each client trains alone. */
export type OnBatchError = (task: string, error: unknown) => void;

/**
 * Runs jobs for the virtual clients of a trial, contaminated ones included. A job's result depends on the trial and the
 * job alone, so it does not matter which host runs it.
 */
export class ClientRunner {
  readonly contamination: Contamination;
  readonly #trial: Trial;
  readonly #task: Task;
  readonly #contaminations: ReturnType<typeof contaminationsOf>;
  readonly #rng: Stream;
  /** Where clients are that are not simulated, in words. */
  readonly #elsewhere: string | undefined;
  readonly #isAllElsewhere: boolean;
  readonly #onThrown: OnClientError;
  readonly #onGroupFault: OnBatchError;
  #hasGroupFault = false;
  readonly #mods: readonly TrialMod[];

  /**
   * @param onThrown told of what a task or an attack throws, a UserError apart: the client's failure does not say where in the code
   * @param onGroupFault told once, of the first time: no client's failure says so
   */
  constructor(
    trial: Trial,
    plugins: Plugins,
    onThrown: OnClientError = () => undefined,
    onGroupFault: OnBatchError = () => undefined,
  ) {
    this.#trial = trial;
    this.#onThrown = onThrown;
    this.#onGroupFault = onGroupFault;
    this.#task = createPlugin(plugins.tasks, trial.task);
    this.#elsewhere = elsewhere(trial, plugins);
    this.#isAllElsewhere = externalClients(trial, plugins).size === trial.clients;
    this.#contaminations = contaminationsOf(plugins.tasks, trial.task);
    this.#rng = stream(trial.seed);
    this.contamination = contaminate(trial, plugins, this.#rng);
    this.#mods = modsOf(trial, plugins);
  }

  /**
   * @param isAlone is there no other host?
   * @throws UserError if none of the trial's clients is simulated, or one is not and there is no other host for it
   */
  async prepare({ isAlone = false } = {}): Promise<void> {
    if (this.#elsewhere !== undefined && (isAlone || this.#isAllElsewhere))
      throw new UserError(this.#elsewhere);
    await prepareTask(this.#task, this.#trial.task.name);
  }

  /** The most jobs that are worth more together than one after another. */
  get maxBatch(): number {
    return this.#task.trainCohort ? (this.#task.maxBatch ?? 1) : 1;
  }

  /** Never rejects and never takes longer than `limits.clientSeconds`: a client's fault is its own failure. */
  async run(job: ClientJob): Promise<Answer> {
    try {
      const { clientSeconds } = this.#trial.limits;
      const result = await withinLimit(clientSeconds, 1, (signal) => this.#result(job, signal));
      return answerTo(job, result);
    } catch (error) {
      return this.#failed(job, error);
    }
  }

  /**
   * The same of several jobs of one round and phase, each with `limits.clientSeconds`: together, if the task trains so.
   * @returns in their order
   */
  async runAll(jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    const isGroup = jobs.length > 1 && this.#task.trainCohort !== undefined;
    const together = isGroup ? await this.#cohort(jobs) : undefined;
    if (together && "answers" in together) return together.answers;
    const answers: Answer[] = [];
    for (const job of jobs) answers.push(await this.run(job));
    if (together && answers.every((answer) => "update" in answer)) this.#groupFailed(together);
    return answers;
  }

  /** The fault is nobody's but the group's. */
  #groupFailed({ thrown }: { readonly thrown: unknown }): void {
    if (this.#hasGroupFault) return;
    this.#hasGroupFault = true;
    this.#onGroupFault(this.#trial.task.name, thrown);
  }

  /** @returns what was thrown, if anything: alone, the client whose fault it is will fail alone */
  async #cohort(
    jobs: readonly ClientJob[],
  ): Promise<{ readonly answers: readonly Answer[] } | { readonly thrown: unknown }> {
    const trainers: LocalTrainer[] = [];
    try {
      const { clientSeconds } = this.#trial.limits;
      const results = await withinLimit(clientSeconds, jobs.length, async (signal) => {
        for (const job of jobs) trainers.push(await this.#open(job));
        const told = jobs.map(async (job) => this.#told(job, await paramsOf(job), signal));
        return eachResult(
          await this.#task.trainCohort?.(trainers, await Promise.all(told)),
          jobs.length,
        );
      });
      if ("code" in results) return { answers: jobs.map((job) => answerTo(job, results)) };
      const finished = jobs.map(async (job, i) => {
        try {
          return answerTo(job, await this.#finished(job, results[i]));
        } catch (error) {
          return this.#failed(job, error);
        }
      });
      return { answers: await Promise.all(finished) };
    } catch (error) {
      return { thrown: error };
    } finally {
      for (const trainer of trainers) trainer.close?.();
    }
  }

  #failed(job: ClientJob, error: unknown): Answer {
    if (!(error instanceof UserError)) this.#onThrown(job, error);
    const message = error instanceof Error ? error.message : errorMessage(error);
    return answerTo(job, failure("CLIENT_ERROR", message));
  }

  async #result(job: ClientJob, signal: AbortSignal): Promise<TrainResult | Failure> {
    if (job.kind === "initial") throw new Error("a simulated client has no initial params");
    const params = await paramsOf(job);
    const trainer = await this.#open(job);
    try {
      if (job.kind === "evaluate") return await evaluate(trainer, params);
      return await this.#finished(job, await trainer.train(this.#told(job, params, signal)));
    } finally {
      trainer.close?.();
    }
  }

  async #open({ clientId }: ClientJob): Promise<LocalTrainer> {
    const trainer = await this.#task.openShard(this.#shard(clientId));
    if (typeof (trainer as Partial<LocalTrainer> | undefined)?.train === "function") return trainer;
    throw new UserError(
      `openShard() returned ${trainerText(trainer)}; expected { train, evaluate?, close? }`,
    );
  }

  #shard(clientId: string): Shard {
    const index = clientIndex(clientIds(this.#trial.clients), clientId);
    if (index < 0) throw new Error(`the trial has no client '${clientId}'`);
    const rng = this.#rng.at("shard", clientId);
    const shard = { index, count: this.#trial.clients, rng };
    const contaminated = this.contamination.get(clientId);
    if (!contaminated) return shard;
    const { attack, common } = contaminated;
    return {
      ...shard,
      ...(attack.data && {
        contamination: { ...checkContamination(attack.data, this.#contaminations), common },
      }),
      ...(attack.corruptLabels && {
        corruptLabels: (labels: Int32Array, classes: number) =>
          attack.corruptLabels?.(labels, classes, rng.at("labels"), common) ?? labels,
      }),
    };
  }

  /** What a trainer is told of a job. */
  #told({ round, phase, clientId }: ClientJob, params: Params, signal: AbortSignal): TrainJob {
    const common = this.#rng.at("common", phase, round);
    const rng = this.#rng.at("train", phase, round, clientId);
    return { round, phase, params, signal, rng, common };
  }

  /** What the client sends: mods wrap what it trained, and an attack has the last word, but for the form in which all must write. */
  async #finished(job: ClientJob, trained: unknown): Promise<TrainResult> {
    const honest = checkedResult(trained, "train()");
    const wrap = async (result: TrainResult, mods: readonly TrialMod[]) =>
      await clientHalves(mods, result, job, this.#rng);
    const attack = this.contamination.get(job.clientId)?.attack;
    if (!attack?.corruptUpdate) return await wrap(honest, this.#mods);
    const rules = this.#mods.filter(({ mod }) => !mod.isFormat);
    const own = await wrap(honest, rules);
    const rng = this.#rng.at("train", job.phase, job.round, job.clientId).at("attack");
    const corrupted = await attack.corruptUpdate(own, rng);
    return await wrap(checkedResult(corrupted, "corruptUpdate()"), this.#mods.slice(rules.length));
  }
}

/** A copy: jobs share a base, and a trainer that changes its params in place must not change those of the next one. */
async function paramsOf({ params }: ClientJob): Promise<Params> {
  return copyParams(await resolveParams(params));
}

function answerTo({ id: jobId, clientId }: ClientJob, result: TrainResult | Failure): Answer {
  return "code" in result
    ? { jobId, clientId, failure: result }
    : { jobId, clientId, update: { ...result, clientId } };
}

/** What `trainCohort` returned. @throws Error unless it is as many results as there are clients */
function eachResult(returned: unknown, clients: number): readonly unknown[] {
  if (Array.isArray(returned) && returned.length === clients) return returned;
  const what = Array.isArray(returned) ? `${returned.length} results` : describeValue(returned);
  throw new Error(`trainCohort() returned ${what}; expected ${clients} results`);
}

function trainerText(trainer: unknown): string {
  const isObject = typeof trainer === "object" && trainer !== null && !(trainer instanceof Promise);
  return isObject ? "an object without train" : describeValue(trainer);
}

/** Has the task read its data? @throws UserError naming the task: it would fail again, however often it is tried */
export async function prepareTask(task: Task, name: string): Promise<void> {
  try {
    await task.prepare?.();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `task ${name} cannot be prepared: ${errorMessage(error)}${errorLocation(error)}`,
    );
  }
}

/** Do the data that the task has read suffice for the trial's clients? @throws UserError */
export function checkPrepared(task: Task, { clients, task: { name } }: Trial): void {
  try {
    task.checkClients?.(clients);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `task ${name} cannot serve ${clients} clients: ${errorMessage(error)}${errorLocation(error)}`,
    );
  }
}

async function evaluate(trainer: LocalTrainer, params: Params): Promise<TrainResult | Failure> {
  if (!trainer.evaluate) return failure("NO_EVALUATION", "the task has no client-side evaluation");
  return checkedResult(await trainer.evaluate(params), "evaluate()");
}

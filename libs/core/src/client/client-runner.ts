import { clientIndexOf } from "../contracts/clients.js";
import type { Answer, Job, PersonalJob } from "../contracts/pool.js";
import { candidateKinds, makeCandidate } from "../contracts/refinements.js";
import { checkResult } from "../contracts/result.js";
import type {
  CohortTraining,
  LocalTrainer,
  Shard,
  Task,
  TrainJob,
  TrainResult,
} from "../contracts/task.js";
import { resolveParams } from "../tensors/client-params.js";
import { addTerms } from "../tensors/merge.js";
import { withOwn } from "../tensors/own-modules.js";
import { isLowRank, type Delta } from "../tensors/update.js";
import { copyParams, readNumbers, type Params } from "../tensors/tensor.js";
import { checkContamination } from "../trial/data-contamination.js";
import { explainExternalHosts } from "../trial/external-clients.js";
import { finishUpdate } from "../trial/finish-update.js";
import type { PreparedTrial } from "../trial/prepared-trial.js";
import { describeValue } from "../words/describe-value.js";
import { errorMessage, failure, UserError, type Failure } from "../words/errors.js";
import { openClient, personalModel, trainPersonal } from "./personal-client.js";
import { runWithinLimit } from "./time-limit.js";

/** A job as a client host sees it: complete, because virtual clients keep nothing between jobs. */
export type ClientJob = Job;

/** The fields of a job that a log shows. */
export type ReportedJob = Pick<Job, "clientId" | "round" | "kind">;

/** Receives what happens while jobs run. */
export interface RunnerEvents {
  /**
   * Called for every error that a task, an attack or a mod throws for a client, except a UserError:
   * the failure that the client reports contains no location in the code.
   */
  readonly onClientError?: (job: ReportedJob, error: unknown) => void;
  /**
   * Called for the first error of a task's `trainCohort` if each client can be trained on its own:
   * no client reports it.
   */
  readonly onBatchError?: (task: string, error: unknown) => void;
  /** Called before clients train together, or before a single job runs. */
  readonly onAttempt?: (jobs: readonly ClientJob[]) => void;
  /** Called when a client gave no result in time, with the failure's message. */
  readonly onTimeout?: (job: ReportedJob, what: string) => void;
  /** Called before code of a plug-in runs: `client() of mod 'clip'`. */
  readonly onCode?: (code: string) => void;
}

/** Runs the jobs of a host, group by group: `ClientRunner`, or one that watches it from outside. */
export interface JobRunner {
  /** The largest number of jobs that `runAll` can run together; 1 until `prepare` resolves. */
  readonly maxBatch: number;
  /** The number of calls of `runAll` to make in advance, so that it need not wait; at least 1. */
  readonly ahead: number;
  /**
   * Loads the task before the first job needs it.
   * @param options.isAlone whether this is the only host
   * @throws UserError if all clients are external, or if some are and there is no other host for
   * them
   */
  prepare(options?: { readonly isAlone?: boolean }): Promise<void>;
  /**
   * Runs jobs of one round and phase, after those of earlier calls.
   * @returns the answers in the order of the jobs
   */
  runAll(jobs: readonly ClientJob[]): Promise<readonly Answer[]>;
  /** Ends all work. */
  close(): Promise<void>;
}

/**
 * Runs jobs for the virtual clients of a trial, contaminated ones included. The result of a job
 * depends only on the trial and the job, so any host may run it.
 */
export class ClientRunner implements JobRunner {
  readonly #prepared: PreparedTrial;
  readonly #events: RunnerEvents;
  #task: Task | undefined;
  #hasBatchError = false;
  /** The code that runs, as in `onCode`. */
  #code = "";

  constructor(prepared: PreparedTrial, events: RunnerEvents = {}) {
    this.#prepared = prepared;
    this.#events = events;
  }

  async prepare({ isAlone = false } = {}): Promise<void> {
    const { external, trial } = this.#prepared;
    const otherHosts = explainExternalHosts(this.#prepared);
    if (otherHosts !== undefined && (isAlone || external.size === trial.clients))
      throw new UserError(otherHosts);
    await this.#loadTask();
  }

  readonly ahead = 1;

  get maxBatch(): number {
    return this.#task?.trainCohort?.maxBatch ?? 1;
  }

  /**
   * Runs one job. It never rejects, because an error becomes the client's failure, and never takes
   * longer than `limits.clientSeconds`.
   */
  async run(job: ClientJob): Promise<Answer> {
    try {
      this.#events.onAttempt?.([job]);
      const result = await this.#runWithinLimit([job], (signal) => this.#runAlone(job, signal));
      return toAnswer(job, result);
    } catch (error) {
      return this.#fail(job, error);
    }
  }

  /**
   * Runs several jobs of one round and phase, together if the task supports it. Each job has
   * `limits.clientSeconds`.
   * @returns the answers in the order of the jobs
   */
  async runAll(jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    const isPlain = jobs.length > 1 && jobs.every(({ personal }) => !personal);
    const cohort = isPlain ? (await this.#loadTask()).trainCohort : undefined;
    const together = cohort && (await this.#runTogether(jobs, cohort));
    if (together && "answers" in together) return together.answers;
    const answers: Answer[] = [];
    for (const job of jobs) answers.push(await this.run(job));
    const failsTogether = together && answers.every((answer) => "update" in answer);
    if (failsTogether && !this.#hasBatchError) {
      this.#hasBatchError = true;
      this.#events.onBatchError?.(this.#prepared.trial.task.name, together.thrown);
    }
    return answers;
  }

  /** Does nothing: no job runs on after its answer, except one that ignores its time limit. */
  async close(): Promise<void> {}

  /**
   * Trains the clients of the jobs together. Returns an error instead of throwing it, so that the
   * caller can train each client on its own, and only the faulty one fails.
   */
  async #runTogether(
    jobs: readonly ClientJob[],
    cohort: CohortTraining,
  ): Promise<{ readonly answers: readonly Answer[] } | { readonly thrown: unknown }> {
    const trainers: LocalTrainer[] = [];
    try {
      this.#events.onAttempt?.(jobs);
      const results = await this.#runWithinLimit(jobs, async (signal) => {
        for (const job of jobs) trainers.push(await this.#open(job));
        const trainJobs = jobs.map(async (job) => {
          return this.#trainJob(job, await copyJobParams(job), signal);
        });
        const prepared = await Promise.all(trainJobs);
        this.#enterTask("trainCohort.train");
        return checkResults(await cohort.train(trainers, prepared), jobs.length);
      });
      if ("code" in results) return { answers: jobs.map((job) => toAnswer(job, results)) };
      const finished = jobs.map(async (job, i) => {
        try {
          return toAnswer(job, await this.#finish(job, checkResult(results[i], "train()")));
        } catch (error) {
          return this.#fail(job, error);
        }
      });
      return { answers: await Promise.all(finished) };
    } catch (error) {
      return { thrown: error };
    } finally {
      for (const trainer of trainers) trainer.close?.();
    }
  }

  /** Runs the work of jobs with `limits.clientSeconds` for each, and reports those out of time. */
  async #runWithinLimit<T extends object>(
    jobs: readonly ClientJob[],
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | Failure> {
    const { clientSeconds } = this.#prepared.trial.limits;
    const result = await runWithinLimit(clientSeconds, jobs.length, work, () => this.#code);
    if ("code" in result && result.code === "CLIENT_TIMEOUT")
      for (const job of jobs) this.#events.onTimeout?.(job, result.message);
    return result;
  }

  #fail(job: ClientJob, error: unknown): Answer {
    if (!(error instanceof UserError)) this.#events.onClientError?.(job, error);
    const message = error instanceof Error ? error.message : errorMessage(error);
    return toAnswer(job, failure("CLIENT_ERROR", message));
  }

  async #runAlone(job: ClientJob, signal: AbortSignal): Promise<TrainResult | Failure> {
    const params = await copyJobParams(job);
    const trainer = await this.#open(job);
    try {
      this.#enterTask(methods[job.kind]);
      if (job.kind === "initial") return await answerSurvey(trainer);
      if (job.personal) return await this.#runPersonal(job, job.personal, trainer, params, signal);
      if (job.kind === "evaluate") return await evaluate(trainer, params);
      if (job.kind === "choose") return await measureCandidates(trainer, params, job);
      const returned = await trainer.train(this.#trainJob(job, params, signal));
      const trained = checkResult(returned, "train()");
      await this.#rejectLostChange(job, params, trained);
      return await this.#finish(job, trained);
    } finally {
      trainer.close?.();
    }
  }

  async #runPersonal(
    job: ClientJob,
    { arm, own }: PersonalJob,
    trainer: LocalTrainer,
    params: Params,
    signal: AbortSignal,
  ): Promise<TrainResult | Failure> {
    const named = this.#prepared.arms[arm]?.method;
    if (!named) throw new Error(`arm ${arm} of the trial has no personal method`);
    this.#enterTask("open");
    const trainJob = this.#trainJob(job, params, signal);
    const isTraining = job.kind === "train";
    const rng = isTraining ? trainJob.rng : trainJob.rng.at("evaluate");
    const open = await openClient(named, trainer, { ...trainJob, rng }, own && copyParams(own));
    this.#enter(`${isTraining ? "train" : "model"}() of personal method '${named.name}'`);
    if (!isTraining) {
      const model = await personalModel(named, open);
      this.#enterTask(methods.evaluate);
      return await evaluate(trainer, model);
    }
    const trained = await trainPersonal(named, open);
    const sent = await this.#finish(job, trained.sent);
    return { ...sent, delta: withOwn(sent.delta, trained.own) };
  }

  async #open({ clientId }: ClientJob): Promise<LocalTrainer> {
    const task = await this.#loadTask();
    this.#enterTask("openShard");
    const trainer = await task.openShard(this.#shard(clientId));
    if (typeof (trainer as Partial<LocalTrainer> | undefined)?.train === "function") return trainer;
    throw new UserError(
      `openShard() returned ${describeTrainer(trainer)}; expected { train, evaluate?, close? }`,
    );
  }

  async #loadTask(): Promise<Task> {
    return (this.#task ??= await this.#prepared.loadTask());
  }

  #shard(clientId: string): Shard {
    const { trial, contamination, contaminations } = this.#prepared;
    const index = clientIndexOf(clientId, trial.clients);
    if (index < 0) throw new Error(`the trial has no client '${clientId}'`);
    const rng = this.#prepared.rng.at("shard", clientId);
    const { clients: count, holdBack } = trial;
    const shard = { index, count, rng, ...(holdBack && { holdBack }) };
    const contaminated = contamination.get(clientId);
    if (!contaminated) return shard;
    const { attack, common, name } = contaminated;
    return {
      ...shard,
      ...(attack.data && {
        contamination: { ...checkContamination(attack.data, contaminations), common },
      }),
      ...(attack.corruptLabels && {
        corruptLabels: (labels: Int32Array, classes: number) => {
          this.#enter(`corruptLabels() of attack '${name}'`);
          const corrupted = attack.corruptLabels?.(labels, classes, rng.at("labels"), common);
          this.#enterTask("openShard");
          return corrupted ?? labels;
        },
      }),
    };
  }

  #trainJob(job: ClientJob, params: Params, signal: AbortSignal): TrainJob {
    const { round, phase, clientId, control } = job;
    const common = this.#prepared.rng.at("common", phase, round);
    const rng = this.#prepared.rng.at("train", phase, round, clientId);
    return { round, phase, params, signal, rng, common, ...(control && { control }) };
  }

  async #finish(job: ClientJob, honest: TrainResult): Promise<TrainResult> {
    return await finishUpdate(this.#prepared, honest, job, (code) => {
      this.#enter(code);
    });
  }

  /**
   * A trainer may change its params in place, but a change of zero is then the difference of the
   * params from themselves.
   * @throws UserError that names the task
   */
  async #rejectLostChange(job: ClientJob, params: Params, { delta }: TrainResult): Promise<void> {
    if (!isZero(delta) || isSame(params, await resolveParams(job.params))) return;
    throw new UserError(
      `train() of task '${this.#prepared.trial.task.name}' changed its params in place and returned a change of zero: ` +
        "train a copy, and return its difference from the params",
    );
  }

  #enterTask(method: string): void {
    this.#enter(`${method}() of task '${this.#prepared.trial.task.name}'`);
  }

  #enter(code: string): void {
    this.#code = code;
    this.#events.onCode?.(code);
  }
}

/** The method of a trainer that a kind of job calls. */
const methods = {
  train: "train",
  evaluate: "evaluate",
  choose: "measureHeldBack",
  initial: "survey",
} as const;

async function answerSurvey(trainer: LocalTrainer): Promise<TrainResult> {
  if (!trainer.survey) throw new Error("this client has no answer to a survey");
  return checkResult(await trainer.survey(), "survey()");
}

/** Copies the params of a job: jobs share a base, and a trainer may change its params in place. */
async function copyJobParams({ params }: ClientJob): Promise<Params> {
  return copyParams(await resolveParams(params));
}

/** Is every number of a change zero? An empty change is none. */
function isZero(delta: Delta): boolean {
  const tensors = [...delta.values()];
  return (
    tensors.length > 0 &&
    tensors.every(
      (change) => !isLowRank(change) && readNumbers(change).every((x: number) => x === 0),
    )
  );
}

function isSame(params: Params, others: Params): boolean {
  return [...params].every(([name, { data }]) => {
    const other = others.get(name)?.data;
    return data.every((x: number, i: number) => x === other?.[i]);
  });
}

function toAnswer({ id: jobId, clientId }: ClientJob, result: TrainResult | Failure): Answer {
  return "code" in result
    ? { jobId, clientId, failure: result }
    : { jobId, clientId, update: { ...result, clientId } };
}

/** Checks the results of `trainCohort`. @throws Error unless there is one per client */
function checkResults(returned: unknown, clients: number): readonly unknown[] {
  if (Array.isArray(returned) && returned.length === clients) return returned;
  const got = Array.isArray(returned) ? `${returned.length} results` : describeValue(returned);
  throw new Error(`trainCohort.train() returned ${got}; expected ${clients} results`);
}

function describeTrainer(trainer: unknown): string {
  const isObject = typeof trainer === "object" && trainer !== null && !(trainer instanceof Promise);
  return isObject ? "an object without train" : describeValue(trainer);
}

async function evaluate(trainer: LocalTrainer, params: Params): Promise<TrainResult | Failure> {
  if (!trainer.evaluate) return failure("NO_EVALUATION", "the task has no client-side evaluation");
  return checkResult(await trainer.evaluate(params), "evaluate()");
}

/**
 * Measures every candidate on the data that the client holds back. A candidate whose loss is not
 * finite is left out.
 */
async function measureCandidates(
  trainer: LocalTrainer,
  params: Params,
  { candidates }: ClientJob,
): Promise<TrainResult> {
  if (!trainer.measureHeldBack || !candidates)
    throw new UserError("the client cannot choose: it has no held-back data, or no candidates");
  const metrics: Record<string, number> = {};
  for (const kind of candidateKinds) {
    const candidate = await addTerms(params, makeCandidate(kind, candidates));
    const loss = await trainer.measureHeldBack(candidate);
    if (Number.isFinite(loss)) metrics[kind] = loss;
  }
  return { numExamples: 1, delta: new Map(), metrics };
}

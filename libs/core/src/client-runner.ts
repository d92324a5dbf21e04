import { stream, type Stream } from "@fedclair/linalg";
import { resolveParams } from "./client-params.js";
import { clientIds } from "./clients.js";
import { contaminate, type Contamination } from "./contamination.js";
import type {
  Answer,
  Job,
  LocalTrainer,
  Plugins,
  Shard,
  Task,
  TrainJob,
  TrainResult,
} from "./contracts.js";
import { checkContamination, contaminationsOf } from "./data-contamination.js";
import { failure, messageOf, placeOf, UserError, type Failure } from "./errors.js";
import { elsewhere, externalClients } from "./external-clients.js";
import { clientHalves, modsOf, type TrialMod } from "./mods.js";
import { checkedResult } from "./result.js";
import { copyParams, type Params } from "./tensor.js";
import { typeText } from "./type-text.js";
import { createPlugin, type Trial } from "./trial.js";

/** A job as a client host sees it: with everything it needs, since virtual clients keep nothing between jobs. */
export type ClientJob = Omit<Job, "admit">;

export type OnThrown = (job: ClientJob, error: unknown) => void;

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
  readonly #index: ReadonlyMap<string, number>;
  /** Where clients are that are not simulated, in words. */
  readonly #elsewhere: string | undefined;
  readonly #isAllElsewhere: boolean;
  readonly #onThrown: OnThrown;
  readonly #mods: readonly TrialMod[];

  /** @param onThrown told of what a task or an attack throws, a UserError apart: the client's failure does not say where in the code */
  constructor(trial: Trial, plugins: Plugins, onThrown: OnThrown = () => undefined) {
    this.#trial = trial;
    this.#onThrown = onThrown;
    this.#task = createPlugin(plugins.tasks, trial.task);
    this.#elsewhere = elsewhere(trial, plugins);
    this.#isAllElsewhere = externalClients(trial, plugins).size === trial.clients;
    this.#contaminations = contaminationsOf(plugins.tasks, trial.task);
    this.#rng = stream(trial.seed);
    this.#index = new Map(clientIds(trial.clients).map((id, i) => [id, i]));
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
    await prepared(this.#task, this.#trial.task.name);
  }

  /** Never rejects and never takes longer than `limits.clientSeconds`: a client's fault is its own failure. */
  async run(job: ClientJob): Promise<Answer> {
    const answered = { jobId: job.id, clientId: job.clientId };
    const { clientSeconds } = this.#trial.limits;
    const givenUp = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<Failure>((resolve) => {
      timer = setTimeout(() => {
        const message = `no result after ${clientSeconds} s (limits.clientSeconds)`;
        resolve({ code: "CLIENT_TIMEOUT", message });
        givenUp.abort();
      }, clientSeconds * 1000);
    });
    try {
      const result = await Promise.race([this.#result(job, givenUp.signal), timeout]);
      return "code" in result
        ? { ...answered, failure: result }
        : { ...answered, update: { ...result, clientId: job.clientId } };
    } catch (error) {
      if (!(error instanceof UserError)) this.#onThrown(job, error);
      const message = error instanceof Error ? error.message : messageOf(error);
      return { ...answered, failure: failure("CLIENT_ERROR", message) };
    } finally {
      clearTimeout(timer);
    }
  }

  async #result(job: ClientJob, signal: AbortSignal): Promise<TrainResult | Failure> {
    if (job.kind === "initial") throw new Error("a simulated client has no initial params");
    // Jobs share a base: a trainer that changes its params in place must not change those of the next one.
    const params = copyParams(await resolveParams(job.params));
    const trainer = await this.#task.openShard(this.#shard(job.clientId));
    if (typeof (trainer as Partial<LocalTrainer> | undefined)?.train !== "function")
      throw new UserError(
        `openShard() returned ${trainerText(trainer)}; expected { train, evaluate?, close? }`,
      );
    try {
      return job.kind === "train"
        ? await this.#train(trainer, job, { params, signal })
        : await evaluate(trainer, params);
    } finally {
      trainer.close?.();
    }
  }

  #shard(clientId: string): Shard {
    const index = this.#index.get(clientId);
    if (index === undefined) throw new Error(`the trial has no client '${clientId}'`);
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

  async #train(
    trainer: LocalTrainer,
    { round, phase, clientId }: ClientJob,
    start: Pick<TrainJob, "params" | "signal">,
  ): Promise<TrainResult> {
    const common = this.#rng.at("common", phase, round);
    const rng = this.#rng.at("train", phase, round, clientId);
    const trained = await trainer.train({ round, phase, ...start, rng, common });
    const honest = checkedResult(trained, "train()");
    const wrap = async (result: TrainResult, mods: readonly TrialMod[]) =>
      await clientHalves(mods, result, { round, phase, clientId }, this.#rng);
    const attack = this.contamination.get(clientId)?.attack;
    if (!attack?.corruptUpdate) return await wrap(honest, this.#mods);
    // The attack has the last word, but for the form in which all must write.
    const rules = this.#mods.filter(({ mod }) => !mod.isFormat);
    const own = await wrap(honest, rules);
    const corrupted = await attack.corruptUpdate(own, rng.at("attack"));
    return await wrap(checkedResult(corrupted, "corruptUpdate()"), this.#mods.slice(rules.length));
  }
}

function trainerText(trainer: unknown): string {
  const isObject = typeof trainer === "object" && trainer !== null && !(trainer instanceof Promise);
  return isObject ? "an object without train" : typeText(trainer);
}

/** Has the task read its data? @throws UserError naming the task: it would fail again, however often it is tried */
export async function prepared(task: Task, name: string): Promise<void> {
  try {
    await task.prepare?.();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`task ${name} cannot be prepared: ${messageOf(error)}${placeOf(error)}`);
  }
}

async function evaluate(trainer: LocalTrainer, params: Params): Promise<TrainResult | Failure> {
  if (!trainer.evaluate) return failure("NO_EVALUATION", "the task has no client-side evaluation");
  return checkedResult(await trainer.evaluate(params), "evaluate()");
}

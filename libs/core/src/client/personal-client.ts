import type {
  GradientTraining,
  PersonalClient,
  PersonalResult,
  Walk,
} from "../contracts/personal.js";
import type { LocalTrainer, TrainJob, TrainResult } from "../contracts/task.js";
import { pickModules } from "../tensors/combine.js";
import { copyParams, shapeText, type Params } from "../tensors/tensor.js";
import type { NamedMethod } from "../trial/prepared-trial.js";
import { modelMetric, splitModels } from "../trial/shared-models.js";
import { describeValue } from "../words/describe-value.js";
import { didYouMean } from "../words/did-you-mean.js";
import { UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";

/** A client of an arm with a personal method, with its data open for one job. */
export interface OpenClient {
  readonly client: PersonalClient;
  readonly training: GradientTraining;
  /** The modules of the params that training does not change. */
  readonly fixed: Params;
}

/**
 * Opens a client for a personal method.
 * @param trainJob the job, with the shared params
 * @param own the client's own params; absent if it takes part for the first time
 * @throws UserError if the trainer takes no gradient steps
 */
export async function openClient(
  { name, method }: NamedMethod,
  trainer: LocalTrainer,
  trainJob: TrainJob,
  own: Params | undefined,
): Promise<OpenClient> {
  const whole = splitModels(trainJob.params, method.models?.count ?? 1);
  const [first = trainJob.params] = whole;
  const training = await trainer.open?.({ ...trainJob, params: first });
  if (!training) throw new UserError("the trainer takes no gradient steps: it has no open()");
  const names = [...training.params.keys()];
  const models = whole.map((params) => pickModules(params, names));
  const [shared = training.params] = models;
  const { round, rng } = trainJob;
  const { count, rate } = training;
  const client: PersonalClient = {
    round,
    shared,
    models,
    own: own ?? copyParams(method.start?.(shared) ?? new Map()),
    rng: rng.at("personal"),
    count,
    rate,
    steps: (params, walk = {}) => {
      checkWalk(name, walk);
      return training.steps(inOrder(params, shared), { count, rate, ...walk });
    },
    loss: (params) => training.loss(inOrder(params, shared)),
  };
  const fixed = new Map([...first].filter(([name]) => !names.includes(name)));
  return { client, training, fixed };
}

/** The options of `steps`. */
const walkKeys = ["count", "rate", "towards", "only"] as const satisfies readonly (keyof Walk)[];

/** @throws UserError if a method misspells an option of `steps`, which would be ignored */
function checkWalk(method: string, walk: Walk): void {
  const unknown = Object.keys(walk).find((key) => !(walkKeys as readonly string[]).includes(key));
  if (unknown === undefined) return;
  throw new UserError(
    `steps() of personal method '${method}': unknown option '${excerpt(unknown)}', expected one of ${walkKeys.join(", ")}${didYouMean(unknown, walkKeys)}`,
  );
}

/** A round of a client: the update that it sends, and its own params. */
export interface PersonalRound {
  readonly sent: TrainResult;
  readonly own: Params;
}

/** Lets a client train. @throws UserError if the result is not what the contract says */
export async function trainPersonal(
  { name, method }: NamedMethod,
  { client, training }: OpenClient,
): Promise<PersonalRound> {
  const result = await method.train(client);
  checkResult(`train() of personal method '${name}'`, result, client);
  const { change, own = client.own, model = 0, metrics = {} } = result;
  const names = [...client.shared.keys()];
  return {
    sent: {
      numExamples: training.numExamples,
      delta: pickModules(change, method.sends?.(names) ?? names),
      metrics: { ...metrics, ...(method.models && { [modelMetric]: model }) },
    },
    own,
  };
}

/**
 * Returns the params by which a client is measured.
 * @throws UserError if the method returns something else than params
 */
export async function personalModel(
  { name, method }: NamedMethod,
  { client, fixed }: OpenClient,
): Promise<Params> {
  const model: unknown = await method.model(client);
  const fault = findFault(model, client.shared);
  if (fault === undefined) return new Map([...inOrder(model as Params, client.shared), ...fixed]);
  throw new UserError(`model() of personal method '${name}' returned ${fault}`);
}

function checkResult(
  maker: string,
  result: unknown,
  { own, models }: Pick<PersonalClient, "own" | "models">,
): asserts result is PersonalResult {
  const fail = (got: string) =>
    new UserError(
      `${maker} returned ${got}; expected { change, own?, model?, metrics? }, change and own Maps of tensors by module`,
    );
  if (typeof result !== "object" || result === null) throw fail(describeValue(result));
  const { change, own: next = own, model = 0 } = result as Partial<Record<string, unknown>>;
  if (!(change instanceof Map)) throw fail(`a change that is ${describeValue(change)}`);
  const fault = findFault(next, own);
  if (fault !== undefined) throw fail(`own params that are ${fault}`);
  if (!Number.isInteger(model) || (model as number) < 0 || (model as number) >= models.length)
    throw fail(`model ${describeValue(model)}, of ${models.length}`);
}

/** Describes why a value is not params with the modules and shapes of others. */
function findFault(value: unknown, expected: Params): string | undefined {
  if (!(value instanceof Map)) return `${describeValue(value)}, no Map of tensors by module`;
  const params = value as ReadonlyMap<string, { readonly shape?: unknown } | undefined>;
  for (const [name, { shape }] of expected) {
    const got = params.get(name)?.shape;
    if (Array.isArray(got) && shapeText(got as number[]) === shapeText(shape)) continue;
    const described = Array.isArray(got) ? shapeText(got as number[]) : describeValue(got);
    return `params whose module '${name}' is ${described}, not ${shapeText(shape)}`;
  }
  return undefined;
}

/** Returns the modules of `like` in its order, which a method need not keep. */
function inOrder(params: Params, like: Params): Params {
  return new Map(
    [...like.keys()].map((name) => {
      const tensor = params.get(name);
      if (!tensor) throw new UserError(`the method passed params without the module '${name}'`);
      return [name, tensor];
    }),
  );
}

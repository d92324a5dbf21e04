import type { Stream } from "@fedclair/linalg";
import type { Aggregation, Aggregator } from "../contracts/aggregator.js";
import { dtypeOf, type Dense, type Params } from "../tensors/tensor.js";
import type { Delta, Update } from "../tensors/update.js";

/*
 * Several models in one set of shared params (`PersonalMethod.models`): the modules of model i are
 * called `i/name`. Modules that training does not change are there once, under their own names.
 */

/** The metric by which an update says which model it changes. */
export const modelMetric = "model";

/** Makes the trained modules of params several models, which noise sets apart. */
export function spreadModels(
  params: Params,
  trained: ReadonlySet<string>,
  { count, spread }: { readonly count: number; readonly spread: number },
  rng: Stream,
): Params {
  const models = new Map([...params].filter(([name]) => !trained.has(name)));
  for (let model = 0; model < count; model++) {
    for (const [name, tensor] of params) {
      if (!trained.has(name)) continue;
      const noise = rng.at(model, name).normals(tensor.data.length, spread);
      models.set(nameIn(model, name), addNoise(tensor, noise));
    }
  }
  return models;
}

function addNoise(tensor: Dense, noise: Float64Array): Dense {
  const data = Float64Array.from(tensor.data, (x, i) => x + (noise[i] ?? NaN));
  return {
    shape: tensor.shape,
    data: dtypeOf(tensor) === "f32" ? new Float32Array(data) : data,
  };
}

/** Splits shared params into those of each model; all of them with the untrained modules. */
export function splitModels(params: Params, count: number): readonly Params[] {
  if (count === 1) return [params];
  const rest = [...params].filter(([name]) => modelOf(name, count) === undefined);
  return Array.from({ length: count }, (_, model) => {
    const prefix = nameIn(model, "");
    const own = [...params].flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [],
    );
    return new Map([...own, ...rest]);
  });
}

function nameIn(model: number, name: string): string {
  return `${model}/${name}`;
}

function modelOf(name: string, count: number): number | undefined {
  const model = Number(/^(\d+)\//.exec(name)?.[1] ?? NaN);
  return model < count ? model : undefined;
}

/**
 * Runs an aggregator once for each model, on the updates that change it. Each has a state of its
 * own. An update of no model is left out.
 */
export function withModels(aggregator: Aggregator, count: number): Aggregator<readonly unknown[]> {
  return {
    checkClients: (ids, cohort) => aggregator.checkClients?.(ids, cohort),
    notice: (clients, cohort) => aggregator.notice?.(clients, cohort),
    async aggregate({ updates, rng, ...input }, before = []) {
      const all: Aggregation[] = [];
      const states: unknown[] = [];
      for (let model = 0; model < count; model++) {
        const own = updates.filter(({ metrics }) => metrics[modelMetric] === model);
        const { state = before[model], ...aggregation } =
          own.length > 0
            ? await aggregator.aggregate(
                { ...input, updates: own, rng: rng.at(modelMetric, model) },
                before[model],
              )
            : { change: [] };
        all.push({ ...aggregation, change: aggregation.change.map((term) => rename(term, model)) });
        states.push(state);
      }
      return { ...joinResults(all, updates), state: states };
    },
  };
}

function rename(delta: Delta, model: number): Delta {
  return new Map([...delta].map(([name, change]) => [nameIn(model, name), change]));
}

/** Joins the results for the models: all changes, and the verdicts in the order of the updates. */
function joinResults(all: readonly Aggregation[], updates: readonly Update[]): Aggregation {
  const verdicts = all.flatMap((one) => one.verdicts ?? []);
  const byClient = new Map(verdicts.map((verdict) => [verdict.clientId, verdict]));
  const notice = all.find((one) => one.notice !== undefined)?.notice;
  return {
    change: all.flatMap(({ change }) => change),
    ...(verdicts.length > 0 && {
      verdicts: updates.flatMap(({ clientId }) => byClient.get(clientId) ?? []),
    }),
    ...(notice !== undefined && { notice }),
    metrics: Object.fromEntries(
      all.flatMap(({ metrics = {} }, model) =>
        Object.entries(metrics).map(([name, value]) => [nameIn(model, name), value]),
      ),
    ),
  };
}

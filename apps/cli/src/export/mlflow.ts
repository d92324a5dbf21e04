import { excerpt, UserError } from "@fedclair/core";
import { listArms, type Trial } from "@fedclair/core/internal";
import { leafValues, type StoredRun } from "@fedclair/runs";
import { eachRound, computeScalars } from "../results/rounds.js";

/**
 * Maximum number of metrics in a request
 * (https://mlflow.org/docs/latest/api_reference/rest-api.html#log-batch).
 */
const batchSize = 1000;

/** Maximum number of params in a request, and of characters in a value. */
const [mostParams, longestParam] = [100, 500];

/** Time limit for a request, in ms. */
const requestTimeout = 60_000;

interface Metric {
  readonly key: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly step: number;
}

/** An MLflow run that is being written. */
interface ArmRun {
  readonly id: string;
  /** Metrics that were not sent yet. */
  readonly metrics: Metric[];
}

const statuses = { done: "FINISHED", failed: "FAILED", interrupted: "KILLED", running: "RUNNING" };

/**
 * Creates an MLflow run for each arm, in the experiment with the trial's name. The settings of the
 * trial become the params of the run.
 * @param url of the tracking server; it receives MLFLOW_TRACKING_TOKEN if that is set
 * @returns the URLs of the runs for a browser
 * @throws UserError if the server cannot be reached, or rejects a request
 */
export async function exportToMlflow(run: StoredRun, url: string): Promise<string[]> {
  const server = new Server(url);
  const experiment = await server.experiment(run.trial.name);
  const began = Date.parse(run.info.started);
  const arms = new Map<string, ArmRun>();
  const send = async ({ id, metrics }: ArmRun, least: number) => {
    while (metrics.length >= least)
      await server.post("runs/log-batch", { run_id: id, metrics: metrics.splice(0, batchSize) });
  };
  let now = began;
  try {
    for await (const round of eachRound(run.folder)) {
      const { arm, round: step } = round.record;
      const timestamp = (now = began + Math.round(round.elapsed * 1000));
      const existing = arms.get(arm);
      const own = existing ?? { id: await server.createRun(experiment, run, arm), metrics: [] };
      if (!existing) {
        arms.set(arm, own);
        await server.logParams(own.id, listParams(run.trial, arm));
      }
      for (const [name, value] of computeScalars(round))
        own.metrics.push({ key: toKey(name), value, timestamp, step });
      await send(own, batchSize);
    }
    const status = statuses[run.status];
    const end = run.status === "running" ? {} : { end_time: now };
    for (const arm of arms.values()) {
      await send(arm, 1);
      await server.post("runs/update", { run_id: arm.id, status, ...end });
    }
  } catch (error) {
    // A partial export looks like a complete one, unless it is marked as failed.
    for (const { id } of arms.values())
      await server.post("runs/update", { run_id: id, status: "FAILED" }).catch(() => undefined);
    throw error;
  }
  return [...arms.values()].map(({ id }) => `${server.url}/#/experiments/${experiment}/runs/${id}`);
}

/** Lists the settings of the trial for an arm; `aggregator.…` is the arm's own aggregator. */
function listParams(trial: Trial, arm: string) {
  const aggregator = listArms(trial).find(({ label }) => label === arm)?.choice;
  return [...leafValues({ ...trial, aggregator, baselines: undefined })].map(([path, json]) => {
    const value = json.startsWith('"') ? String(JSON.parse(json)) : json;
    return { key: toKey(path), value: value.slice(0, longestParam) };
  });
}

class Server {
  /** The server's URL without a trailing slash. */
  readonly url: string;

  constructor(url: string) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new UserError(`--url: expected http://host:port, got '${excerpt(url)}'`);
    this.url = url.replace(/\/+$/, "");
  }

  /** Returns the id of the experiment with this name, and creates it if necessary. */
  async experiment(name: string): Promise<string> {
    const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
    const found = (await this.#ask("GET", query, undefined, 404)) as {
      experiment?: { experiment_id?: string };
    };
    if (found.experiment)
      return requireField(found.experiment.experiment_id, query, "experiment_id");
    const created = (await this.post("experiments/create", { name })) as { experiment_id?: string };
    return requireField(created.experiment_id, "experiments/create", "experiment_id");
  }

  /** Creates a run for an arm, and returns its id. */
  async createRun(experiment: string, { trial, info }: StoredRun, arm: string): Promise<string> {
    const { hash, version, backend, started } = info;
    const tags = { trial: trial.name, seed: trial.seed, arm, hash, version, backend };
    const created = (await this.post("runs/create", {
      experiment_id: experiment,
      run_name: `${trial.name}-${trial.seed}-${arm}`,
      start_time: Date.parse(started),
      tags: Object.entries(tags).map(([key, value]) => {
        return { key: `fedclair.${key}`, value: String(value) };
      }),
    })) as { run?: { info?: { run_id?: string } } };
    return requireField(created.run?.info?.run_id, "runs/create", "run_id");
  }

  async logParams(id: string, params: readonly object[]): Promise<void> {
    for (let from = 0; from < params.length; from += mostParams) {
      const some = params.slice(from, from + mostParams);
      await this.post("runs/log-batch", { run_id: id, params: some });
    }
  }

  post(path: string, body: object): Promise<object> {
    return this.#ask("POST", path, body);
  }

  /** Sends a request. @param absent the status for which the result is empty */
  async #ask(method: string, path: string, body?: object, absent?: number): Promise<object> {
    const token = process.env["MLFLOW_TRACKING_TOKEN"];
    const where = `${this.url}/api/2.0/mlflow/${path}`;
    const response = await fetch(where, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(requestTimeout),
    }).catch((error: unknown) => {
      const { cause = error } = error as Error;
      throw new UserError(`${where}: ${excerpt(String(cause))}: is a tracking server there?`);
    });
    const text = await response.text();
    if (response.status === absent) return {};
    if (!response.ok) throw new UserError(`${where}: ${response.status}: ${excerpt(text)}`);
    try {
      return JSON.parse(text) as object;
    } catch {
      throw new UserError(`${where}: expected JSON, got '${excerpt(text)}'`);
    }
  }
}

function requireField(value: string | undefined, path: string, key: string): string {
  if (typeof value === "string") return value;
  throw new UserError(`${path}: expected ${key} in the answer: is it a tracking server of MLflow?`);
}

/** Converts a name to an MLflow key: at most 250 letters, digits, `_`, `-`, `.`, spaces and `/`. */
function toKey(name: string): string {
  return name.replaceAll(/[^\w\-. /]/g, "_").slice(0, 250);
}

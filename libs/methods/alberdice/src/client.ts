import { item } from "@fedclair/linalg";
import {
  UserError,
  type LocalTrainer,
  type Params,
  type Shard,
  type Tensor,
  type TrainJob,
  type TrainResult,
} from "@fedclair/core";
import { alternate, perturbMarginals } from "./alternate.js";
import { computeBaseline } from "./baselines.js";
import { bestResponse, type BestResponse } from "./best-response.js";
import { drawTransitions, measurePlay, tolerance } from "./client-data.js";
import { contaminateAnswer } from "./contaminations.js";
import { countTransitions, type Dataset } from "./dataset.js";
import type { DualOptions } from "./dual.js";
import type { Environment } from "./environment.js";
import { toLogits, toPolicies } from "./logits.js";
import type { Options } from "./options.js";
import type { Policy } from "./policy.js";
import { agentName, listAgents, allAgents, alphaOf, listAlphas } from "./rounds.js";

/** Largest violation of the flow constraint at which a client still answers. */
const maxResidual = 1e-6;

/**
 * The policies of methods that are the same in every round, by game and client. They take seconds,
 * and a client is opened anew for each round.
 */
const fixedPolicies = new WeakMap<Environment, Map<string, Promise<Policy[]>>>();

/** One agent's policy, and the violation of the flow constraint at which it was found. */
type Response = Pick<BestResponse, "policy" | "residual">;

/**
 * A client with a private offline data set of the joint play. Every job draws the same data again.
 */
export class AlberDiceClient implements LocalTrainer {
  readonly #options: Options;
  readonly #environment: Environment;
  readonly #shard: Shard;

  constructor(options: Options, environment: Environment, shard: Shard) {
    this.#options = options;
    this.#environment = environment;
    this.#shard = shard;
  }

  /**
   * Computes the best response of the phase's agent. The answer consists of its logits and of the
   * share of each state in the data.
   */
  async train({ round, phase, params, rng }: TrainJob): Promise<TrainResult> {
    const { shape } = this.#environment;
    const { contamination } = this.#shard;
    const transitions = await drawTransitions(this.#environment, this.#shard);
    const data = countTransitions(transitions, shape, this.#options.eps);
    const policies = toPolicies(params, shape.states);
    const responses =
      phase === allAgents
        ? await this.#runAllSweeps(data)
        : await this.#respond(data, listAgents(phase, policies.length), policies, round);
    const visits = new Float64Array(shape.states);
    data.visited.forEach((state, row) => {
      visits[state] = item(data.visits, row);
    });

    const modules = new Map<string, Tensor>();
    let residual = 0;
    for (const [agent, response] of responses) {
      const honest = { logits: this.#toTable(data, response.policy), visits };
      const answer = contaminateAnswer(honest, contamination, rng.at(agentName(agent)));
      const actions = item(shape.actions, agent);
      modules.set(agentName(agent), tensor([shape.states, actions], answer.logits));
      modules.set("visits", tensor([shape.states], answer.visits));
      residual = Math.max(residual, response.residual);
    }
    if (residual > maxResidual) {
      throw new UserError(
        `no best response: the flow constraint is violated by ${residual}, expected at most ${maxResidual}; take a larger alpha`,
      );
    }
    return { numExamples: data.transitions, delta: modules, metrics: { residual } };
  }

  /** Measures the policies on the client's own data, see `measurePlay`. */
  async evaluate(params: Params): Promise<TrainResult> {
    const { shape } = this.#environment;
    const transitions = await drawTransitions(this.#environment, this.#shard);
    return measurePlay(transitions, toPolicies(params, shape.states), shape, this.#options);
  }

  /** Computes the best responses of some agents to the policies that the coordinator circulates. */
  async #respond(
    data: Dataset,
    agents: readonly number[],
    policies: readonly Policy[],
    round: number,
  ): Promise<Map<number, Response>> {
    const { method } = this.#options;
    const alpha = alphaOf(round, policies.length, this.#options);
    const options = { alpha, gamma: this.#options.gamma, tolerance };
    if (method !== "alberdice") {
      const baseline = await this.#respondAlone(method, data, options);
      return new Map(
        agents.map((agent) => [agent, { policy: item(baseline, agent), residual: 0 }]),
      );
    }
    const responses = new Map<number, Response>();
    for (const agent of agents) {
      responses.set(agent, await bestResponse(data, agent, policies, options));
    }
    return responses;
  }

  /** Computes the policies of a method in which no agent responds to the others. */
  #respondAlone(
    method: Parameters<typeof computeBaseline>[0],
    data: Dataset,
    options: DualOptions,
  ): Promise<Policy[]> {
    const { beta, conservatism } = this.#options;
    const compute = () => computeBaseline(method, data, { ...options, beta, conservatism });
    if (method === "optidice" || method === "independent-dice") return compute();
    const { index, contamination } = this.#shard;
    const key = JSON.stringify([index, contamination?.kind, contamination?.options]);
    const ofGame = fixedPolicies.get(this.#environment) ?? new Map<string, Promise<Policy[]>>();
    fixedPolicies.set(this.#environment, ofGame);
    const known = ofGame.get(key) ?? compute();
    ofGame.set(key, known);
    return known;
  }

  /**
   * Runs all sweeps on the client's own data from its own starting point. It may end in another
   * mode than other clients.
   */
  async #runAllSweeps(data: Dataset): Promise<Map<number, Response>> {
    const { sigma, gamma } = this.#options;
    const rng = this.#shard.rng.at("start");
    const start = perturbMarginals(data, sigma, () => rng.uniform());
    const options = { gamma, tolerance };
    const responses = new Map<number, Response>();
    for await (const turn of alternate(data, start, listAlphas(this.#options), options)) {
      responses.set(turn.agent, turn.response);
    }
    return responses;
  }

  /** Returns a table of states × actions, with zeros in states without data. */
  #toTable({ shape, visited }: Dataset, policy: Policy): Float64Array {
    const actions = policy[0]?.length ?? 0;
    const logits = new Float64Array(shape.states * actions);
    for (const state of visited) {
      logits.set(
        toLogits(policy[state] ?? new Float64Array(), this.#options.clip),
        state * actions,
      );
    }
    return logits;
  }
}

function tensor(shape: readonly number[], data: ArrayLike<number>): Tensor {
  return { shape, data: Float64Array.from(data) };
}

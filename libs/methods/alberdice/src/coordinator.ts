import { item } from "@fedclair/linalg";
import {
  type Dense,
  shapesOf,
  type Aggregate,
  type Ask,
  type Params,
  type Round,
  type Shapes,
  type Start,
  type StartContext,
  type Step,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { poolAnswers, weightLogits, type AgentAnswer } from "./answers.js";
import type { Environment } from "./environment.js";
import { createPlayArtifact } from "./artifacts.js";
import { readAnswer, screenAnswers, type Screening } from "./judge.js";
import { toPolicies, drawInitialLogits } from "./logits.js";
import type { Options } from "./options.js";
import { agentName, listAgents, allAgents } from "./rounds.js";

/** Number of answers that were pooled in the last round. */
export interface CoordinatorState {
  readonly kept: number;
}

/**
 * Circulates the policies of all agents. Each round replaces the policy of the agent that has its
 * turn by the clients' pooled answers.
 */
export class Coordinator {
  readonly #options: Options;
  readonly #environment: Environment;

  constructor(options: Options, environment: Environment) {
    this.#options = options;
    this.#environment = environment;
  }

  /** Draws the initial logits, which are the same for all clients. */
  start({ clientIds, rng }: StartContext): Start<CoordinatorState> {
    const { shape } = this.#environment;
    const tables = drawInitialLogits(shape, this.#options.sigma, () => rng.uniform());
    const params: Params = new Map(
      tables.map((data, agent) => [
        agentName(agent),
        { shape: [shape.states, item(shape.actions, agent)], data },
      ]),
    );
    return { params, ask: this.#createAsk(1, clientIds, params), state: { kept: 0 } };
  }

  /**
   * Pools the answers of the admitted clients. A state that none of them visited keeps its logits.
   */
  async step(
    { round, phase, params: before, updates, clientIds, state }: Round<CoordinatorState>,
    aggregate: Aggregate,
  ): Promise<Step<CoordinatorState>> {
    const { verdicts } = this.#comparesClients()
      ? await aggregate(this.#toWeighted(updates, phase))
      : {};
    const params = new Map(before);
    const verdictsByClient = new Map<string, Verdict>();
    let directions: Screening["directions"];
    let { kept } = state;
    for (const agent of listAgents(phase, before.size)) {
      const name = agentName(agent);
      const answers = new Map(
        updates.map((update) => [update.clientId, this.#readAnswer(update, name)]),
      );
      const screening = screenAnswers(answers, verdicts, this.#options.screen);
      const pooled = [...answers].flatMap(([id, answer]) =>
        answer && screening.admitted.has(id) ? [answer] : [],
      );
      const table = before.get(name);
      const valid = [...answers.values()].filter((answer) => answer !== undefined).length;
      if (table && this.#hasEnoughAnswers(valid, kept, clientIds.length)) {
        params.set(name, this.#pool(pooled, table));
      }
      kept = pooled.length;
      for (const verdict of screening.verdicts ?? [])
        verdictsByClient.set(verdict.clientId, verdict);
      directions = screening.directions;
    }
    const play = createPlayArtifact(
      this.#environment,
      toPolicies(params, this.#environment.shape.states),
    );
    return {
      ...(verdictsByClient.size > 0 && { verdicts: [...verdictsByClient.values()] }),
      artifacts: { ...(directions && { screen: directions }), play },
      metrics: play.metrics,
      params,
      next: round >= this.#countRounds() ? "end" : this.#createAsk(round + 1, clientIds, params),
      state: { kept },
    };
  }

  /**
   * Returns false in modes with one client per agent or with a single round, where there is nothing
   * to compare.
   */
  #comparesClients(): boolean {
    return this.#options.mode === "agent-per-round";
  }

  /**
   * Replaces each update by the vector on which clients are compared: the total logits weighted by
   * visits.
   */
  #toWeighted(updates: readonly Update[], phase: string): Update[] {
    return updates.flatMap((update) => {
      const answer = this.#readAnswer(update, phase);
      if (answer === undefined) return [];
      const data = weightLogits(answer);
      return { ...update, delta: new Map([["answer", { shape: [data.length, 1], data }]]) };
    });
  }

  /** Returns the phase of a round, the tensors that it expects, and the clients that take part. */
  #createAsk(round: number, clientIds: readonly string[], params: Params): Ask {
    const { mode } = this.#options;
    if (mode === "local-then-average") {
      return { phase: allAgents, expects: this.#expects(allAgents, params) };
    }
    const agent = (round - 1) % this.#environment.shape.actions.length;
    const phase = agentName(agent);
    const owner = clientIds[agent];
    return {
      phase,
      expects: this.#expects(phase, params),
      ...(mode === "agent-per-client" && owner !== undefined && { clients: [owner] }),
    };
  }

  /** Number of rounds in the trial. */
  #countRounds(): number {
    const { mode, sweeps } = this.#options;
    return mode === "local-then-average" ? 1 : sweeps * this.#environment.shape.actions.length;
  }

  #expects(phase: string, params: Params): Shapes {
    const names = listAgents(phase, params.size).map(agentName);
    const visits = { shape: [this.#environment.shape.states], dtype: "f64" } as const;
    return new Map([
      ...[...shapesOf(params)].filter(([name]) => names.includes(name)),
      ["visits", visits],
    ]);
  }

  /**
   * Checks whether enough answers are valid to replace an agent's policy: at least half of those
   * pooled before, and at least three, or all if there are fewer than three clients.
   */
  #hasEnoughAnswers(answers: number, pooledBefore: number, clients: number): boolean {
    if (!this.#comparesClients()) return true;
    return answers >= Math.max(pooledBefore / 2, Math.min(3, clients));
  }

  #readAnswer(update: Update, module: string): AgentAnswer | undefined {
    const { clip, enforceClip } = this.#options;
    return readAnswer(update, module, enforceClip ? clip : undefined);
  }

  #pool(answers: readonly AgentAnswer[], { shape, data }: Dense): Dense {
    if (answers.length === 0) return { shape, data };
    return { shape, data: poolAnswers(answers, data, this.#options.pooling) };
  }
}

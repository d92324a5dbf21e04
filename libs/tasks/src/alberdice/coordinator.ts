import { item } from "@fedclair/linalg";
import {
  shapesOf,
  type Aggregate,
  type Ask,
  type Params,
  type Round,
  type Shapes,
  type Start,
  type StartContext,
  type Step,
  type Tensor,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { poolAnswers, weighted, type Answer } from "./answers.js";
import type { Environment } from "./environment.js";
import { playArtifact } from "./artifacts.js";
import { answerOf, judge, type Judgement } from "./judge.js";
import { policiesOf, startingLogits } from "./logits.js";
import type { Options } from "./options.js";
import { agentName, agentsOf, allAgents } from "./rounds.js";

/** How many answers were kept in the last round. */
export interface Kept {
  readonly kept: number;
}

/** Circulates the policies of all agents, and replaces those of the agent whose turn it was by the clients' answers. */
export class Coordinator {
  readonly #options: Options;
  readonly #environment: Environment;

  constructor(options: Options, environment: Environment) {
    this.#options = options;
    this.#environment = environment;
  }

  /** The logits that all start from, alike for everybody. */
  start({ clientIds, rng }: StartContext): Start<Kept> {
    const { shape } = this.#environment;
    const tables = startingLogits(shape, this.#options.sigma, () => rng.uniform());
    const params: Params = new Map(
      tables.map((data, agent) => [
        agentName(agent),
        { shape: [shape.states, item(shape.actions, agent)], data },
      ]),
    );
    return { params, ask: this.#askOf(1, clientIds, params), state: { kept: 0 } };
  }

  /** Pools the answers of the clients that are kept; a state that none of them visited keeps its logits. */
  async step(
    { round, phase, params: before, updates, clientIds, state }: Round<Kept>,
    aggregate: Aggregate,
  ): Promise<Step<Kept>> {
    const { verdicts } = this.#isJudged() ? await aggregate(this.#totals(updates, phase)) : {};
    const params = new Map(before);
    const judged = new Map<string, Verdict>();
    let directions: Judgement["directions"];
    let { kept } = state;
    for (const agent of agentsOf(phase, before.size)) {
      const name = agentName(agent);
      const answers = new Map(
        updates.map((update) => [update.clientId, this.#answerOf(update, name)]),
      );
      const judgement = judge(answers, verdicts, this.#options.screen);
      const pooled = [...answers].flatMap(([id, answer]) =>
        answer && judgement.kept.has(id) ? [answer] : [],
      );
      const table = before.get(name);
      const valid = [...answers.values()].filter((answer) => answer !== undefined).length;
      if (table && this.#suffices(valid, kept, clientIds.length)) {
        params.set(name, this.#pool(pooled, table));
      }
      kept = pooled.length;
      for (const verdict of judgement.verdicts ?? []) judged.set(verdict.clientId, verdict);
      directions = judgement.directions;
    }
    const play = playArtifact(
      this.#environment,
      policiesOf(params, this.#environment.shape.states),
    );
    return {
      ...(judged.size > 0 && { verdicts: [...judged.values()] }),
      artifacts: { ...(directions && { screen: directions }), play },
      metrics: play.metrics,
      params,
      next: round >= this.#rounds() ? "end" : this.#askOf(round + 1, clientIds, params),
      state: { kept },
    };
  }

  /** Nothing is compared where there is one client, or one round. */
  #isJudged(): boolean {
    return this.#options.mode === "agent-per-round";
  }

  /** What clients are compared by: totals, weighted by visits. */
  #totals(updates: readonly Update[], phase: string): Update[] {
    return updates.flatMap((update) => {
      const answer = this.#answerOf(update, phase);
      if (answer === undefined) return [];
      const data = weighted(answer);
      return { ...update, delta: new Map([["answer", { shape: [data.length, 1], data }]]) };
    });
  }

  /** What a round asks, and of whom. */
  #askOf(round: number, clientIds: readonly string[], params: Params): Ask {
    const { mode } = this.#options;
    if (mode === "local-then-average") {
      return { phase: allAgents, expects: this.#expects(allAgents, params) };
    }
    const agent = (round - 1) % this.#environment.shape.actions.length;
    const phase = agentName(agent);
    const owner = clientIds[agent];
    return {
      ...{ phase, expects: this.#expects(phase, params) },
      ...(mode === "agent-per-client" && owner !== undefined && { clients: [owner] }),
    };
  }

  /** After how many rounds the trial is over. */
  #rounds(): number {
    const { mode, sweeps } = this.#options;
    return mode === "local-then-average" ? 1 : sweeps * this.#environment.shape.actions.length;
  }

  #expects(phase: string, params: Params): Shapes {
    const names = agentsOf(phase, params.size).map(agentName);
    const visits = { shape: [this.#environment.shape.states], dtype: "f64" } as const;
    return new Map([
      ...[...shapesOf(params)].filter(([name]) => names.includes(name)),
      ["visits", visits],
    ]);
  }

  /** With too few valid answers an agent keeps its policy for this sweep: half as many as were kept before, and three, if there are so many. */
  #suffices(answers: number, keptBefore: number, clients: number): boolean {
    if (!this.#isJudged()) return true;
    return answers >= Math.max(keptBefore / 2, Math.min(3, clients));
  }

  #answerOf(update: Update, module: string): Answer | undefined {
    const { clip, enforceClip } = this.#options;
    return answerOf(update, module, enforceClip ? clip : undefined);
  }

  #pool(answers: readonly Answer[], { shape, data }: Tensor): Tensor {
    if (answers.length === 0) return { shape, data };
    return { shape, data: poolAnswers(answers, data, this.#options.pooling) };
  }
}

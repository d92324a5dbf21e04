import type {
  Aggregation,
  Params,
  RoundState,
  Step,
  Tensor,
  Update,
  Verdict,
} from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { at } from "../at.js";
import { poolAnswers, weighted, type Answer } from "./answers.js";
import type { Environment } from "./environment.js";
import { playArtifact } from "./artifacts.js";
import { answerOf, judge, type Judgement } from "./judge.js";
import { policiesOf, startingLogits } from "./logits.js";
import type { Options } from "./options.js";
import { agentName, agentsOf, allAgents } from "./rounds.js";

/** Circulates the policies of all agents, and replaces those of the agent whose turn it was by the clients' answers. */
export class Coordinator {
  readonly #options: Options;
  readonly #environment: Environment;
  #clientIds: readonly string[] = [];
  /** How many answers were kept in the last round. */
  #kept = 0;

  constructor(options: Options, environment: Environment) {
    this.#options = options;
    this.#environment = environment;
  }

  /** The logits that all start from, alike for everybody. */
  init(rng: Stream): Params {
    const { shape } = this.#environment;
    const tables = startingLogits(shape, this.#options.sigma, () => rng.uniform());
    return new Map(
      tables.map((data, agent) => [
        agentName(agent),
        { shape: [shape.states, at(shape.actions, agent)], data },
      ]),
    );
  }

  start(clientIds: readonly string[]): Pick<Step, "phase" | "clients"> {
    this.#clientIds = clientIds;
    return this.#turn(1);
  }

  expects(phase: string, global: Params): ReadonlyMap<string, readonly number[]> {
    const names = agentsOf(phase, global.size).map(agentName);
    return new Map([
      ...names.map((name) => [name, global.get(name)?.shape ?? []] as const),
      ["visits", [this.#environment.shape.states]] as const,
    ]);
  }

  /** What clients are compared by: totals, weighted by visits; nothing where there is one client, or one round. */
  present({ phase, updates }: RoundState): readonly Update[] | undefined {
    if (this.#options.mode !== "agent-per-round") return undefined;
    return updates.flatMap((update) => {
      const answer = this.#answerOf(update, phase);
      if (answer === undefined) return [];
      const data = weighted(answer);
      return { ...update, delta: new Map([["answer", { shape: [data.length, 1], data }]]) };
    });
  }

  /** Pools the answers of the clients that are kept; a state that none of them visited keeps its logits. */
  reduce({ round, phase, global, updates }: RoundState, { verdicts }: Aggregation): Step {
    const params = new Map(global);
    const judged = new Map<string, Verdict>();
    let directions: Judgement["directions"];
    for (const agent of agentsOf(phase, global.size)) {
      const name = agentName(agent);
      const answers = new Map(
        updates.map((update) => [update.clientId, this.#answerOf(update, name)]),
      );
      const judgement = judge(answers, verdicts, this.#options.screen);
      const kept = [...answers].flatMap(([id, answer]) =>
        answer && judgement.kept.has(id) ? [answer] : [],
      );
      const before = global.get(name);
      const valid = [...answers.values()].filter((answer) => answer !== undefined).length;
      if (before && this.#suffices(valid)) params.set(name, this.#pool(kept, before));
      this.#kept = kept.length;
      for (const verdict of judgement.verdicts ?? []) judged.set(verdict.clientId, verdict);
      directions = judgement.directions;
    }
    return {
      ...(judged.size > 0 && { verdicts: [...judged.values()] }),
      ...(directions && { artifacts: { screen: directions } }),
      ...this.#turn(round + 1),
      global: params,
    };
  }

  evaluate(global: Params): Pick<Step, "metrics" | "artifacts"> {
    const play = playArtifact(
      this.#environment,
      policiesOf(global, this.#environment.shape.states),
    );
    return { metrics: play.metrics, artifacts: { play } };
  }

  /** The phase and clients of a round, and whether the trial is over before it. */
  #turn(round: number): Pick<Step, "phase" | "clients" | "done"> {
    const { mode, sweeps } = this.#options;
    if (mode === "local-then-average") return { phase: allAgents, done: round > 1 };
    const agents = this.#environment.shape.actions.length;
    const agent = (round - 1) % agents;
    const owner = this.#clientIds[agent];
    return {
      phase: agentName(agent),
      done: round > agents * sweeps,
      ...(mode === "agent-per-client" && owner !== undefined && { clients: [owner] }),
    };
  }

  /** With too few valid answers an agent keeps its policy for this sweep: half as many as were kept before, and three, if there are so many. */
  #suffices(answers: number): boolean {
    if (this.#options.mode !== "agent-per-round") return true;
    return answers >= Math.max(this.#kept / 2, Math.min(3, this.#clientIds.length));
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

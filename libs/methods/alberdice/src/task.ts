import { definePlugin, UserError, type Task } from "@fedclair/core";
import { sourcePaths } from "@fedclair/tasks/shared";
import { AlberDiceClient } from "./client.js";
import { contaminations, dataContaminations } from "./contaminations.js";
import { Coordinator, type CoordinatorState } from "./coordinator.js";
import { environmentOf, type Environment } from "./environment.js";
import { figures } from "./figures.js";
import { schema, type NetworkOptions, type Options } from "./options.js";
import { cosineRule } from "./cosine-rule.js";
import { NetworkClient } from "./network/client.js";
import { NetworkCoordinator } from "./network/coordinator.js";
import { readPlay } from "./own-play.js";

/**
 * Offline multi-agent reinforcement learning with AlberDICE (Matsunaga, Lee, Yoon, Leonardos,
 * Abbeel and Kim, NeurIPS 2023, arXiv 2311.02194), exact on tables or approximate with networks.
 *
 * The agents take turns. Each one plays its best response to the others, under a KL penalty on the
 * joint visit distribution that keeps joint actions inside the data. Clients hold private data of
 * the joint play and answer with one agent's best response. The coordinator pools the answers and
 * circulates the policies. The authors of this module knew the paper's abstract and the official
 * code; the derivation and the federation are this platform's own.
 *
 * With learner `tabular`, params are the logits of every agent, `agent0`, `agent1`, …, each states
 * × actions in float64. An update holds the logits of the agent that has its turn, and `visits`,
 * the share of each state in the client's data. With learner `network`, params are the weights of
 * perceptrons in float32, one matrix per layer, and an update is the change of the weights that the
 * phase trains.
 */
export const alberdice = definePlugin({
  kind: "task",
  name: "alberdice",
  summary:
    "Offline multi-agent reinforcement learning: agents take turns at playing a best response to the others.",
  schema,
  paths: sourcePaths,
  contaminations: ({ learner }: Options) =>
    learner.name === "network" ? dataContaminations : contaminations,
  metrics: {
    return: { better: "higher", description: "expected return of an episode" },
    success: { better: "higher", description: "probability that both agents reach their goals" },
    nashGap: {
      better: "lower",
      description:
        "largest gain in return that one agent can reach by changing only its own policy",
    },
    objective: { better: "higher", description: "return minus the penalty for leaving the data" },
    regularisedNashGap: {
      better: "lower",
      description:
        "largest gain in the objective that one agent can reach by changing only its own policy",
    },
    unseenShare: {
      better: "lower",
      description: "probability of a joint action that the data never have in the state",
    },
    residual: { better: "lower", description: "violation of the flow constraint" },
  },
  primary: "return",
  aggregators: [cosineRule],
  figures,
  sharesParams: ({ learner }: Options) => learner.name === "network",
  checkClients: (clients, options: Options) => {
    // The number of agents in recorded play is known only after reading it.
    if (!options.source) checkAgents(options, environmentOf(options), clients);
  },
  create: async (options: Options): Promise<Task> => {
    const { learner, source } = options;
    const recorded = source && (await readPlay(options, source));
    const environment = recorded?.environment ?? environmentOf(options);
    const task =
      learner.name === "network"
        ? networkTask(options, learner, environment)
        : tabularTask(options, environment);
    if (!recorded) return task;
    return {
      ...task,
      ...recorded.members,
      checkClients: (clients) => {
        checkAgents(options, environment, clients);
        recorded.members.checkClients?.(clients);
      },
    };
  },
});

function checkAgents({ learner, mode }: Options, { shape }: Environment, clients: number): void {
  if (learner.name === "network" || mode !== "agent-per-client") return;
  const agents = shape.actions.length;
  if (clients === agents) return;
  throw new UserError(
    `mode agent-per-client has one client an agent: expected clients: ${agents}, got ${clients}`,
  );
}

function tabularTask(options: Options, environment: Environment): Task<CoordinatorState> {
  const coordinator = new Coordinator(options, environment);
  return {
    start: (context) => Promise.resolve(coordinator.start(context)),
    openShard: (shard) => Promise.resolve(new AlberDiceClient(options, environment, shard)),
    step: (round, aggregate) => coordinator.step(round, aggregate),
  };
}

function networkTask(options: Options, learner: NetworkOptions, environment: Environment): Task {
  const coordinator = new NetworkCoordinator(options, learner, environment);
  return {
    start: (context) => Promise.resolve(coordinator.start(context)),
    openShard: (shard) => Promise.resolve(new NetworkClient(options, learner, environment, shard)),
    step: (round, aggregate) => coordinator.step(round, aggregate),
  };
}

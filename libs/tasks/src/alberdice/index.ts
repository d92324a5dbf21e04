import { UserError, type Task, type TaskPlugin } from "@fedclair/core";
import { AlberDiceClient } from "./client.js";
import { contaminations, dataContaminations } from "./contaminations.js";
import { Coordinator, type Kept } from "./coordinator.js";
import { environmentOf } from "./environment.js";
import { figures } from "./figures.js";
import { schema, type NetworkOptions, type Options } from "./options.js";
import { cosineRule } from "./cosine-rule.js";
import { NetworkClient } from "./network/client.js";
import { NetworkCoordinator } from "./network/coordinator.js";

/**
 * Offline multi-agent reinforcement learning by AlberDICE (Matsunaga, Lee, Yoon, Leonardos, Abbeel and Kim, NeurIPS 2023,
 * arXiv 2311.02194), exact on tables or with networks: the agents in turn take the best response to the others, under a KL penalty on
 * the joint visit distribution that keeps joint actions inside the data. Clients hold private data of the joint play and
 * answer with one agent's best response; the coordinator pools the answers and circulates the policies. Abstract and
 * official code were known to us; derivation and federation are this platform's own.
 *
 * Params are the logits of every agent, `agent0`, `agent1`, …, states × actions, float64. An update holds those of the
 * agent whose turn it is, and `visits`, the share of each state in the client's data. With learner `network` params are the
 * weights of perceptrons, float32, a matrix a layer, and an update is the change of those that the phase trains.
 */
export const alberdice: TaskPlugin = {
  name: "alberdice",
  summary:
    "Offline multi-agent reinforcement learning: agents in turn answer one another's policies.",
  schema,
  contaminations: ({ learner }: Options) =>
    learner.name === "network" ? dataContaminations : contaminations,
  metrics: {
    return: { better: "higher", description: "expected return of an episode" },
    success: { better: "higher", description: "probability that both come home" },
    nashGap: { better: "lower", description: "what one agent could gain in return alone" },
    objective: { better: "higher", description: "return less the penalty for leaving the data" },
    regularisedNashGap: { better: "lower", description: "what one agent could gain in objective" },
    residual: { better: "lower", description: "violation of the flow constraint" },
  },
  primary: "return",
  aggregators: [cosineRule],
  figures,
  sharesParams: ({ learner }: Options) => learner.name === "network",
  checkClients: (clients, options: Options) => {
    if (options.learner.name === "network" || options.mode !== "agent-per-client") return;
    const agents = environmentOf(options).shape.actions.length;
    if (clients !== agents) {
      throw new UserError(
        `mode agent-per-client has one client an agent: expected clients: ${agents}, got ${clients}`,
      );
    }
  },
  create: (options: Options): Task => {
    const { learner } = options;
    return learner.name === "network" ? networkTask(options, learner) : tabularTask(options);
  },
};

function tabularTask(options: Options): Task<Kept> {
  const environment = environmentOf(options);
  const coordinator = new Coordinator(options, environment);
  return {
    start: (context) => Promise.resolve(coordinator.start(context)),
    openShard: (shard) => Promise.resolve(new AlberDiceClient(options, environment, shard)),
    step: (round, aggregate) => coordinator.step(round, aggregate),
  };
}

function networkTask(options: Options, learner: NetworkOptions): Task {
  const environment = environmentOf(options);
  const coordinator = new NetworkCoordinator(options, learner, environment);
  return {
    start: (context) => Promise.resolve(coordinator.start(context)),
    openShard: (shard) => Promise.resolve(new NetworkClient(options, learner, environment, shard)),
    step: (round, aggregate) => coordinator.step(round, aggregate),
  };
}

import { item } from "@fedclair/linalg";
import { z } from "zod";
import { clientColumn, tableSource } from "@fedclair/tasks/shared";
import { ownPartition } from "@fedclair/tasks/shared";
import {
  matrixShape,
  oneOf,
  payoffFault,
  penaltyGame,
  xorData,
  xorPayoff,
  type Payoff,
} from "./matrix-game.js";

const action = z.int().min(0);

const columns = z
  .strictObject({
    state: z
      .array(z.string())
      .min(1)
      .default(["state"])
      .describe("Columns that together name the state"),
    actions: z.array(z.string()).min(2).describe("Columns with the actions, one per agent"),
    reward: z.string().default("reward").describe("Column with the reward that all agents share"),
    next: z
      .array(z.string())
      .min(1)
      .optional()
      .describe("Columns that name the next state, as many as state"),
    episode: z
      .string()
      .optional()
      .describe("Column that names the episode; its rows are in order. Needed without next"),
    client: clientColumn,
  })
  .superRefine(({ state, next, episode }, context) => {
    const reject = (key: string, message: string) => {
      context.addIssue({ code: "custom", path: [key], message });
    };
    if (next === undefined && episode === undefined) {
      reject("next", "expected next, or episode if the next row has the next state");
    }
    if (next !== undefined && next.length !== state.length) {
      reject("next", `expected ${state.length} columns, as many as state, got ${next.length}`);
    }
  });

const bridge = z.strictObject({
  name: z.literal("bridge"),
  random: z.int().min(0).default(50).describe("Episodes of random actions per client, at least 0"),
  optimal: z
    .int()
    .min(0)
    .default(50)
    .describe("Episodes of optimal actions per client, at least 0"),
  limit: z.int().min(1).default(20).describe("Steps per episode when policies are measured"),
});

const payoff = z
  .array(z.unknown())
  .min(1)
  .transform((nested, context): Payoff => {
    const fault = payoffFault(nested);
    if (fault === undefined) return nested as Payoff;
    context.addIssue({ code: "custom", path: [...fault.path], message: fault.message });
    return z.NEVER;
  });

const matrix = z.strictObject({
  name: z.literal("matrix"),
  payoff: payoff
    .default(xorPayoff)
    .describe(
      "Reward shared by all agents: nested lists with one level per agent, agent 0's actions in the outermost list. For two agents: one row per action of agent 0, one column per action of agent 1. Default: XOR for two agents",
    ),
  data: z
    .array(z.array(action))
    .min(1)
    .default(xorData.all.map((actions) => [...actions]))
    .describe(
      "Joint actions that occur in the data, equally often; each is a list with one action per agent. Default: all four of XOR",
    ),
  samples: z.int().min(1).default(40).describe("Steps of play per client, at least 1"),
});

const oneOfAgents = z
  .strictObject({
    name: z.literal("one-of"),
    agents: z.int().min(2).max(6).describe("Number of agents, 2 … 6"),
    samples: z.int().min(1).default(40).describe("Steps of play per client, at least 1"),
  })
  .transform(({ agents, samples }) => ({ name: "matrix" as const, samples, ...oneOf(agents) }))
  .describe(
    "The matrix game in which exactly one agent should play B. The data hold all ways to do so; with two agents this is XOR with AB and BA",
  );

const penalty = z
  .strictObject({
    name: z.literal("penalty"),
    penalty: z.number().min(0).default(10).describe("Cost of a mismatch, at least 0"),
    samples: z.int().min(1).default(200).describe("Steps of play per client, at least 1"),
  })
  .transform(({ penalty: cost, samples }) => ({
    name: "matrix" as const,
    samples,
    ...penaltyGame(cost),
  }))
  .describe(
    "The penalty game for two agents: two joint actions pay 10, a mismatch of them costs, and a safe one pays 2. The data hold all nine joint actions",
  );

const tabular = z.strictObject({ name: z.literal("tabular") });

const network = z.strictObject({
  name: z.literal("network"),
  hidden: z.int().min(1).default(32).describe("Units in each of the two hidden layers, at least 1"),
  learningRate: z
    .number()
    .gt(0)
    .default(5e-3)
    .describe("Learning rate of Adam for all networks, above 0"),
  steps: z.int().min(1).default(20).describe("Adam steps in an agent's turn, at least 1"),
  dataRounds: z
    .int()
    .min(1)
    .default(4)
    .describe("Rounds before the agents' turns in which clients train the data policies"),
  dataSteps: z.int().min(1).default(200).describe("Adam steps in each of these rounds, at least 1"),
  anneal: z
    .number()
    .gt(0)
    .max(1)
    .default(0.8)
    .describe(
      "Share of the sweeps over which alpha falls, in (0, 1]; after that it stays constant",
    ),
});

/** Default values of the options that apply only to logit tables. */
const tabularDefaults = {
  mode: "agent-per-round",
  method: "alberdice",
  sigma: 0.05,
  clip: 10,
  enforceClip: true,
  pooling: "mean",
  screen: true,
} as const;

/**
 * Smallest alpha for networks. Their values are stored in units of alpha, so a smaller one exceeds
 * the precision of float32.
 */
const minNetworkAlpha = 0.01;

export const schema = z
  .strictObject({
    source: tableSource(columns.describe("The table's columns"))
      .optional()
      .describe(
        "Your own recorded play, in place of a simulated game: one row per step. environment is then ignored",
      ),
    partition: ownPartition,
    environment: z
      .discriminatedUnion("name", [bridge, matrix, oneOfAgents, penalty])
      .prefault({ name: "bridge" })
      .describe(
        "The game, bridge or a matrix game of two or more agents, and the data that each client holds",
      ),
    learner: z
      .discriminatedUnion("name", [tabular, network])
      .prefault({ name: "tabular" })
      .describe(
        "tabular: exact best responses, one table of logits per agent. network: perceptrons trained on samples; the trial's aggregator averages their changes. With network, also set alphaFirst, alphaLast and sweeps, for example to 1, 0.05 and 40",
      ),
    method: z
      .enum(["alberdice", "behaviour-cloning", "icq", "omar", "optidice", "independent-dice"])
      .default(tabularDefaults.method)
      .describe(
        "What an agent answers. alberdice: its best response to the others. The rest are for comparison and ignore the others' policies. behaviour-cloning: the actions of the data. icq: the actions of the data, weighted by values that never ask for others. omar: the best action by conservative values of each agent alone. optidice: its part of the best joint visits, all agents taken as one. independent-dice: its best policy if the others act as in the data",
      ),
    beta: z
      .number()
      .gt(0)
      .default(0.1)
      .describe("Temperature of the weights of method icq, above 0, in units of the reward"),
    conservatism: z
      .number()
      .min(0)
      .default(1)
      .describe("Weight of the conservative term of method omar, at least 0"),
    mode: z
      .enum(["agent-per-round", "agent-per-client", "local-then-average"])
      .default(tabularDefaults.mode)
      .describe(
        "agent-per-round: in each round all clients answer for the same agent. agent-per-client: client i owns agent i and is the only one to answer for it. local-then-average (a counterexample): every client runs all sweeps by itself, in a single round",
      ),
    sweeps: z
      .int()
      .min(1)
      .default(8)
      .describe("Number of sweeps; every agent has one turn per sweep"),
    alphaFirst: z
      .number()
      .gt(0)
      .default(5)
      .describe("Weight of the KL penalty in the first sweep, above 0"),
    alphaLast: z
      .number()
      .gt(0)
      .default(0.001)
      .describe("Weight of the KL penalty in the last sweep, above 0; geometric in between"),
    gamma: z.number().gt(0).lt(1).default(0.99).describe("Discount factor, in (0, 1)"),
    eps: z
      .number()
      .gt(0)
      .max(1)
      .default(1e-4)
      .describe("Share of a visited state's mass that is spread over all joint actions, in (0, 1]"),
    sigma: z
      .number()
      .min(0)
      .default(tabularDefaults.sigma)
      .describe(
        "Initial logits are uniform in ± sigma; with 0 a symmetric game never leaves its symmetric point",
      ),
    clip: z
      .number()
      .gt(0)
      .default(tabularDefaults.clip)
      .describe(
        "Largest absolute logit in an answer, above 0; bounds what one client can contribute",
      ),
    enforceClip: z
      .boolean()
      .default(tabularDefaults.enforceClip)
      .describe(
        "Whether an answer beyond the clip is invalid; set false to measure what detection achieves without this check",
      ),
    pooling: z
      .enum(["mean", "median"])
      .default(tabularDefaults.pooling)
      .describe("How the admitted answers are combined into one table, state by state"),
    screen: z
      .boolean()
      .default(tabularDefaults.screen)
      .describe(
        "Whether answers that point against the others are dropped too, if the aggregator gives verdicts",
      ),
  })
  .superRefine((options, context) => {
    if (options.learner.name !== "network") return;
    for (const name of Object.keys(tabularDefaults) as (keyof typeof tabularDefaults)[]) {
      if (options[name] === tabularDefaults[name]) continue;
      context.addIssue({
        code: "custom",
        path: [name],
        message: `is for learner tabular: leave it out with learner network, or at ${tabularDefaults[name]}`,
      });
    }
    if (options.alphaLast < minNetworkAlpha) {
      context.addIssue({
        code: "custom",
        path: ["alphaLast"],
        message: `expected at least ${minNetworkAlpha} with learner network, whose values count in units of it, got ${options.alphaLast}; alphaFirst: 1, alphaLast: 0.05, sweeps: 40 work on bridge`,
      });
    }
  })
  .superRefine(({ environment }, context) => {
    if (environment.name === "bridge") {
      if (environment.random + environment.optimal === 0) {
        context.addIssue({
          code: "custom",
          path: ["environment", "optimal"],
          message: "expected at least one episode, random or optimal",
        });
      }
      return;
    }
    const { actions: counts } = matrixShape(environment.payoff);
    environment.data.forEach((actions, k) => {
      const message =
        actions.length !== counts.length
          ? `expected ${counts.length} actions, one an agent, got ${actions.length}`
          : actions.some((action, i) => action >= item(counts, i))
            ? `expected actions below ${formatList(counts)}, got ${formatList(actions)}`
            : undefined;
      if (message === undefined) return;
      context.addIssue({ code: "custom", path: ["environment", "data", k], message });
    });
  });

function formatList(numbers: readonly number[]): string {
  return [numbers.slice(0, -1).join(", "), item(numbers, numbers.length - 1)].join(" and ");
}

export type Options = z.output<typeof schema>;
export type NetworkOptions = z.output<typeof network>;

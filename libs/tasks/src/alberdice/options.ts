import { item } from "@fedclair/linalg";
import { z } from "zod";
import { matrixShape, payoffFault, xorData, xorPayoff, type Payoff } from "./matrix-game.js";

const action = z.int().min(0);

const bridge = z.strictObject({
  name: z.literal("bridge"),
  random: z
    .int()
    .min(0)
    .default(50)
    .describe("Episodes of random actions that a client holds, at least 0"),
  optimal: z
    .int()
    .min(0)
    .default(50)
    .describe("Episodes of optimal actions that a client holds, at least 0"),
  limit: z.int().min(1).default(20).describe("Steps of an episode when policies are measured"),
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
      "Reward of all: nested lists, a level an agent, agent 0's actions in the outermost; for two agents a row an action of agent 0, a column an action of agent 1; default: XOR, two agents",
    ),
  data: z
    .array(z.array(action))
    .min(1)
    .default(xorData.all.map((actions) => [...actions]))
    .describe(
      "Joint actions that occur in the data, an action an agent, each as often; default: all of XOR",
    ),
  samples: z.int().min(1).default(40).describe("Steps that a client holds, at least 1"),
});

const tabular = z.strictObject({ name: z.literal("tabular") });

const network = z.strictObject({
  name: z.literal("network"),
  hidden: z.int().min(1).default(32).describe("Units of both hidden layers, at least 1"),
  learningRate: z.number().gt(0).default(5e-3).describe("Of Adam, for all networks, above 0"),
  steps: z.int().min(1).default(20).describe("Adam steps of an agent's turn, at least 1"),
  dataRounds: z
    .int()
    .min(1)
    .default(4)
    .describe("Rounds, before the agents' turns, in which clients train the data policies"),
  dataSteps: z.int().min(1).default(200).describe("Adam steps of such a round, at least 1"),
  anneal: z
    .number()
    .gt(0)
    .max(1)
    .default(0.8)
    .describe("Share of the sweeps over which alpha falls, in (0, 1]; then it stays"),
});

/** Options that speak of logit tables, and what they are if left out. */
const ofTables = {
  mode: "agent-per-round",
  sigma: 0.05,
  clip: 10,
  enforceClip: true,
  pooling: "mean",
  screen: true,
} as const;

/** The least weight of the penalty for networks: values count in units of it, and float32 ends. */
const leastNetworkAlpha = 0.01;

export const schema = z
  .strictObject({
    environment: z
      .discriminatedUnion("name", [bridge, matrix])
      .prefault({ name: "bridge" })
      .describe(
        "The game: bridge, or a matrix game of two agents or more, and the data of a client",
      ),
    learner: z
      .discriminatedUnion("name", [tabular, network])
      .prefault({ name: "tabular" })
      .describe(
        "tabular: exact best responses, a table of logits an agent. network: perceptrons trained on samples, whose changes the trial's aggregator averages; set alphaFirst, alphaLast and sweeps with it, as 1, 0.05 and 40",
      ),
    mode: z
      .enum(["agent-per-round", "agent-per-client", "local-then-average"])
      .default(ofTables.mode)
      .describe(
        "agent-per-round: all clients answer for one agent a round. agent-per-client: client i owns agent i and answers alone. local-then-average, the wrong way: every client runs all sweeps by itself, in one round",
      ),
    sweeps: z.int().min(1).default(8).describe("Times that every agent has its turn"),
    alphaFirst: z
      .number()
      .gt(0)
      .default(5)
      .describe("Weight of the KL penalty in the first sweep, above 0"),
    alphaLast: z
      .number()
      .gt(0)
      .default(0.001)
      .describe("Weight in the last sweep, above 0; geometric in between"),
    gamma: z.number().gt(0).lt(1).default(0.99).describe("Discount, in (0, 1)"),
    eps: z
      .number()
      .gt(0)
      .max(1)
      .default(1e-4)
      .describe("Share of a visited state's mass that is spread over all joint actions, in (0, 1]"),
    sigma: z
      .number()
      .min(0)
      .default(ofTables.sigma)
      .describe("Size of the logits that all start from; with 0 a symmetric game never moves"),
    clip: z
      .number()
      .gt(0)
      .default(ofTables.clip)
      .describe("Largest absolute logit of an answer, above 0: what one client can contribute"),
    enforceClip: z
      .boolean()
      .default(ofTables.enforceClip)
      .describe(
        "Is an answer beyond the clip invalid? False shows what detection alone makes of it",
      ),
    pooling: z
      .enum(["mean", "median"])
      .default(ofTables.pooling)
      .describe("How the kept answers become one table, state by state"),
    screen: z
      .boolean()
      .default(ofTables.screen)
      .describe(
        "If the aggregator gives verdicts: are answers that point against the others dropped too?",
      ),
  })
  .superRefine((options, context) => {
    if (options.learner.name !== "network") return;
    for (const name of Object.keys(ofTables) as (keyof typeof ofTables)[]) {
      if (options[name] === ofTables[name]) continue;
      context.addIssue({
        code: "custom",
        path: [name],
        message: `is for learner tabular: leave it out with learner network, or at ${ofTables[name]}`,
      });
    }
    if (options.alphaLast < leastNetworkAlpha) {
      context.addIssue({
        code: "custom",
        path: ["alphaLast"],
        message: `expected at least ${leastNetworkAlpha} with learner network, whose values count in units of it, got ${options.alphaLast}; alphaFirst: 1, alphaLast: 0.05, sweeps: 40 work on bridge`,
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
            ? `expected actions below ${listText(counts)}, got ${listText(actions)}`
            : undefined;
      if (message === undefined) return;
      context.addIssue({ code: "custom", path: ["environment", "data", k], message });
    });
  });

function listText(numbers: readonly number[]): string {
  return [numbers.slice(0, -1).join(", "), item(numbers, numbers.length - 1)].join(" and ");
}

export type Options = z.output<typeof schema>;
export type NetworkOptions = z.output<typeof network>;

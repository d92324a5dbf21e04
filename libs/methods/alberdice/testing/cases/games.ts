import { item } from "@fedclair/linalg";
import { UserError } from "@fedclair/core";
import { asFields, asList, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import { alternate, type Turn } from "../../src/alternate.js";
import { behaviourCloning, factorisedOptiDice } from "../../src/baselines.js";
import { bestResponse } from "../../src/best-response.js";
import {
  countTransitions,
  type Dataset,
  type GameShape,
  type Transition,
} from "../../src/dataset.js";
import {
  matrixShape,
  matrixValue,
  payoffFault,
  repeatJointAction,
  type Payoff,
} from "../../src/matrix-game.js";
import { nashGap, objective } from "../../src/objective.js";
import { jointProbabilities, type Policy } from "../../src/policy.js";
import {
  compareFields,
  compareResults,
  readEntries,
  toNestedTable,
  readNumbers,
  toNestedArrays,
  readRows,
  toTable,
  type Expected,
} from "./entry.js";

const within = (tolerance: number) => (got: unknown) => ({ got, tolerance });

/** Tolerance of the solver in the reference. */
const tolerance = 1e-12;
/** Change of probabilities below which the reference ends an alternation. */
const standstill = 1e-12;
/** More sweeps than any game of a case needs to stand still. */
const maxSweeps = 1000;

/** Checks section `matrix`: the steps of a game with one state, their limit, and the baselines. */
export async function runMatrix(entry: Fields, report: Report): Promise<void> {
  const payoff = readPayoff(entry.payoff);
  const shape = matrixShape(payoff);
  const transitions = asList(entry.counts, "counts").flatMap((pair, k) => {
    const [actions, count] = asList(pair, `counts[${k}]`);
    return repeatJointAction(payoff, readNumbers(actions, "actions"), asNumber(count, "count"));
  });
  const data = countTransitions(transitions, shape, asNumber(entry.eps, "eps"));
  const alpha = asNumber(entry.alpha, "alpha");
  const start = readRows(entry.pi0, "pi0").map((row): Policy => [Float64Array.from(row)]);
  // With one state, the discount has no effect.
  const options = { gamma: 0.99, tolerance };

  const { steps, limit: expectedLimit, ...others } = entry;
  const expectedSteps = readEntries(steps, "steps");
  const turns: Turn[] = [];
  const alphas = new Array<number>(expectedSteps.length).fill(alpha);
  for await (const turn of alternate(data, start, alphas, { ...options, standstill: 0 })) {
    turns.push(turn);
  }
  expectedSteps.forEach((step, k) => {
    compareStep(step, turns[k], report, `steps[${k}].`);
  });
  const near = within(1e-8);
  const limit = (await findLastTurn(data, start, { ...options, alpha }))?.policies ?? start;
  compareResults(
    asFields(expectedLimit, "limit"),
    [],
    {
      pi: near(limit.map((policy) => Array.from(policy[0] ?? []))),
      joint: near(toNestedTable(jointProbabilities(limit, 0, shape), shape.actions)),
      true_value: near(matrixValue(payoff, limit)),
      nash_gap: near(await nashGap(data, limit, { ...options, alpha })),
    },
    report,
    "limit.",
  );
  const optiDice = new Map<string, number>();
  for (const field of Object.keys(others)) {
    const [, at] = /^optidice_factorised_value_alpha([\d.e-]+)$/.exec(field) ?? [];
    if (at === undefined) continue;
    const policies = await factorisedOptiDice(data, { ...options, alpha: Number(at) });
    optiDice.set(field, matrixValue(payoff, policies));
  }
  compareFields(
    others,
    ["payoff", "counts", "alpha", "eps", "pi0"],
    (field): Expected | undefined => {
      if (field === "dE") return near(toNestedTable(data.mass, shape.actions));
      if (field === "bc_value") return near(matrixValue(payoff, behaviourCloning(data)));
      return optiDice.has(field) ? near(optiDice.get(field)) : undefined;
    },
    report,
  );
}

function readPayoff(value: unknown): Payoff {
  const payoff = asList(value, "payoff");
  const fault = payoffFault(payoff);
  if (fault) throw new UserError(`payoff: ${fault.message}`);
  return payoff as Payoff;
}

function compareStep(step: Fields, turn: Turn | undefined, report: Report, prefix: string): void {
  if (turn === undefined) {
    report.fail(prefix, "the alternation ended before it");
    return;
  }
  const near = within(1e-8);
  const { problem, value, policy } = turn.response;
  compareResults(
    step,
    [],
    {
      sweep: near(turn.sweep),
      agent: near(turn.agent),
      rhat: near(Array.from(computePenalised(turn))),
      kl: near(Array.from(problem.penalty)),
      value: near(value),
      pi: near(Array.from(policy[0] ?? [])),
    },
    report,
    prefix,
  );
}

function computePenalised({ response: { problem }, alpha }: Pick<Turn, "response" | "alpha">) {
  return problem.reward.map((reward, cell) => reward - alpha * item(problem.penalty, cell));
}

/**
 * Checks section `mmdp`: objective, best responses and limit of a random game with several states.
 */
export async function runMmdp(entry: Fields, report: Report): Promise<void> {
  const shape: GameShape = {
    states: asNumber(entry.S, "S"),
    actions: readNumbers(entry.A, "A"),
  };
  const transitions = asList(entry.transitions, "transitions").map((row, k): Transition => {
    const [state, actions, reward, next] = asList(row, `transitions[${k}]`);
    return {
      state: asNumber(state, "state"),
      actions: readNumbers(actions, "actions"),
      reward: asNumber(reward, "reward"),
      next: asNumber(next, "next state"),
    };
  });
  const data = countTransitions(transitions, shape, asNumber(entry.eps, "eps"));
  const policies = asList(entry.policies, "policies").map((rows, i): Policy =>
    readRows(rows, `policies[${i}]`).map((row) => Float64Array.from(row)),
  );
  const options = {
    alpha: asNumber(entry.alpha, "alpha"),
    gamma: asNumber(entry.gamma, "gamma"),
    tolerance,
  };

  const { best_response: responses, converged, ...others } = entry;
  for (const [k, expected] of readEntries(responses, "best_response").entries()) {
    const agent = asNumber(expected.agent, "agent");
    const response = await bestResponse(data, agent, policies, options);
    compareResponse(data, expected, { response, alpha: options.alpha }, report, k);
  }
  await compareConverged(data, asFields(converged, "converged"), policies, options, report);

  const { value, reward, kl } = objective(data, policies, options);
  const near = within(1e-9);
  const gap = await nashGap(data, policies, options);
  compareResults(
    others,
    ["S", "A", "alpha", "gamma", "eps", "transitions", "policies"],
    {
      sD: near(toStates(data, data.visits, 1).flat()),
      dE: near(toStates(data, data.mass, data.joints)),
      J: near(value),
      discounted_reward: near(reward),
      KL: near(kl),
      nash_gap: within(1e-8)(gap),
    },
    report,
  );
}

function compareResponse(
  data: Dataset,
  expected: Fields,
  turn: Pick<Turn, "response" | "alpha">,
  report: Report,
  k: number,
): void {
  const { problem, nu, advantage, visit, value, policy } = turn.response;
  const table = (values: Float64Array) => toStates(data, values, problem.actions);
  compareResults(
    expected,
    ["agent"],
    {
      rhat: within(1e-9)(table(computePenalised(turn))),
      kl: within(1e-9)(table(problem.penalty)),
      d_i: within(1e-9)(table(problem.mass)),
      nu: within(1e-6)(toStates(data, nu, 1).flat()),
      e: within(1e-6)(table(advantage)),
      d_star: within(1e-7)(table(visit)),
      value: within(1e-8)(value),
      pi: within(1e-7)(toNestedArrays(policy)),
    },
    report,
    `best_response[${k}].`,
  );
}

async function compareConverged(
  data: Dataset,
  expected: Fields,
  start: readonly Policy[],
  { alpha, ...options }: { alpha: number; gamma: number; tolerance: number },
  report: Report,
): Promise<void> {
  const last = await findLastTurn(data, start, { ...options, alpha });
  const policies = last?.policies ?? start;
  compareResults(
    expected,
    [],
    {
      pi: within(1e-7)(policies.map(toNestedArrays)),
      // The last changes are near rounding, so the first sweep below the limit may differ by one.
      sweeps: within(1)((last?.sweep ?? NaN) + 1),
      J: within(1e-8)(objective(data, policies, { ...options, alpha }).value),
      nash_gap: within(1e-8)(await nashGap(data, policies, { ...options, alpha })),
    },
    report,
    "converged.",
  );
}

async function findLastTurn(
  data: Dataset,
  start: readonly Policy[],
  { alpha, ...options }: { alpha: number; gamma: number; tolerance: number },
): Promise<Turn | undefined> {
  let last: Turn | undefined;
  const alphas = new Array<number>(maxSweeps).fill(alpha);
  for await (const turn of alternate(data, start, alphas, { ...options, standstill })) last = turn;
  return last;
}

/** Converts a table over rows into one over all states, with zeros in states without data. */
function toStates({ shape, visited }: Dataset, values: Float64Array, columns: number): number[][] {
  const rows = new Map(toTable(values, columns).map((row, k) => [visited[k], row]));
  return Array.from(
    { length: shape.states },
    (_, state) => rows.get(state) ?? new Array<number>(columns).fill(0),
  );
}

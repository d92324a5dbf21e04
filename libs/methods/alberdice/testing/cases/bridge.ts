import { UserError } from "@fedclair/core";
import { asList, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import { sum } from "@fedclair/linalg";
import { alternate, perturbMarginals } from "../../src/alternate.js";
import { behaviourCloning } from "../../src/baselines.js";
import {
  bridgeCellAt,
  bridgeCells,
  bridgeShape,
  bridgeStart,
  bridgeState,
  bridgeStep,
  type CellPair,
} from "../../src/bridge.js";
import {
  bridgeCostToGo,
  bridgeEpisodes,
  bridgeOptimalActions,
  bridgeTransitions,
  type BridgeEpisode,
} from "../../src/bridge-data.js";
import { evaluateBridge } from "../../src/bridge-evaluation.js";
import { dropDeadEnds, countTransitions } from "../../src/dataset.js";
import { Mulberry32 } from "@fedclair/tasks/shared";
import { nashGap } from "../../src/objective.js";
import { normalise, uniformPolicy, type Policy } from "../../src/policy.js";
import {
  compareFields,
  compareResults,
  readEntries,
  readNumbers,
  readPair,
  toNestedArrays,
} from "./entry.js";

const exactly = (got: unknown) => ({ got, tolerance: 0 });
const within = (tolerance: number) => (got: unknown) => ({ got, tolerance });

/** Checks section `bridge_moves`: one joint move. */
export function runMove(entry: Fields, report: Report): void {
  const { next, reward, over } = bridgeStep(
    positionsOf(entry.pos, "pos"),
    readPair(entry.action, "action"),
  );
  compareResults(
    entry,
    ["pos", "action"],
    { next: exactly(cellsOf(next)), reward: within(1e-12)(reward), over: exactly(over) },
    report,
  );
}

/** Checks section `bridge_optimal_actions`. */
export function runOptimalActions(entry: Fields, report: Report): void {
  const positions = positionsOf(entry.pos, "pos");
  compareResults(
    entry,
    ["pos"],
    {
      cost: exactly(bridgeCostToGo(positions)),
      actions: exactly(toNestedArrays(bridgeOptimalActions(positions))),
    },
    report,
  );
}

/**
 * Checks section `bridge_dataset`: episodes drawn by the reference generator. For long episodes the
 * case lists only the first actions.
 */
export function runBridgeDataset(entry: Fields, report: Report): void {
  const episodes = episodesOf(entry, "seed");
  const transitions = bridgeTransitions(episodes);
  const { episodes: expected, ...others } = entry;
  readEntries(expected, "episodes").forEach((episode, k) => {
    compareEpisode(episode, episodes[k], report, `episodes[${k}].`);
  });
  compareResults(
    others,
    ["kind", "n_opt", "n_rand", "seed"],
    {
      n_transitions: exactly(transitions.length),
      after_closure: exactly(dropDeadEnds(transitions).length),
      reward_sum: within(1e-9)(sum(transitions.map(({ reward }) => reward))),
    },
    report,
  );
}

function compareEpisode(
  expected: Fields,
  episode: BridgeEpisode | undefined,
  report: Report,
  prefix: string,
): void {
  if (episode === undefined) {
    report.fail(prefix, "the data set has no such episode");
    return;
  }
  const { actions, positions, rewards, goal } = episode;
  const listed = asList(expected.actions, "actions").length;
  compareResults(
    expected,
    [],
    {
      actions: exactly(toNestedArrays(actions.slice(0, listed))),
      length: exactly(actions.length),
      ret: within(1e-9)(sum(rewards)),
      goal: exactly(goal),
      last: exactly(cellsOf(positions.at(-1) ?? bridgeStart)),
    },
    report,
    prefix,
  );
}

/**
 * Checks section `bridge_evaluation`: policies drawn at random (one draw plus 0.1 per action,
 * normalised), or uniform.
 */
export function runBridgeEvaluation(entry: Fields, report: Report): void {
  const rng = new Mulberry32(asNumber(entry.policy_seed, "policy_seed"));
  const policies: Readonly<Record<string, readonly Policy[]>> = {
    random: bridgeShape.actions.map((count) =>
      Array.from({ length: bridgeShape.states }, () =>
        normalise(Float64Array.from({ length: count }, () => 0.1 + rng.next())),
      ),
    ),
    uniform: bridgeShape.actions.map((_, agent) => uniformPolicy(bridgeShape, agent)),
  };
  for (const [field, expected] of Object.entries(entry)) {
    if (["policy_seed", "note"].includes(field)) continue;
    const [, name = "", limit] = /^(\w+)_T(\d+)$/.exec(field) ?? [];
    const chosen = policies[name];
    if (chosen === undefined) {
      report.fail(field, "no such policies of this kind of case");
      continue;
    }
    const near = within(1e-8);
    const { ret, success, exploitability } = evaluateBridge(chosen, Number(limit));
    compareResults(
      expected as Fields,
      [],
      { ret: near(ret), success: near(success), exploitability: near(exploitability) },
      report,
      `${field}.`,
    );
  }
}

/** Checks section `bridge_run`: AlberDICE over all temperatures, and behaviour cloning. */
export async function runBridgeRun(entry: Fields, report: Report): Promise<void> {
  const transitions = bridgeTransitions(episodesOf(entry, "data_seed"));
  const data = countTransitions(transitions, bridgeShape, asNumber(entry.eps, "eps"));
  const rng = new Mulberry32(asNumber(entry.init_seed, "init_seed"));
  const start = perturbMarginals(data, asNumber(entry.sigma, "sigma"), () => rng.next());
  const alphas = readNumbers(entry.alphas, "alphas");
  const options = { gamma: asNumber(entry.gamma, "gamma"), tolerance: 1e-12 };
  let policies: readonly Policy[] = start;
  for await (const turn of alternate(data, start, alphas, options)) policies = turn.policies;

  const alpha = alphas.at(-1);
  if (alpha === undefined) throw new UserError("alphas: expected at least one");
  const gap = await nashGap(data, policies, { ...options, alpha });
  const startRow = bridgeState(bridgeStart);
  const returns: Readonly<Record<string, readonly Policy[]>> = {
    ret: policies,
    bc_ret: behaviourCloning(data),
  };
  compareFields(
    entry,
    ["kind", "n_opt", "n_rand", "data_seed", "init_seed", "eps", "sigma", "gamma", "alphas"],
    (field) => {
      if (field === "visited_states") return exactly(data.visited.length);
      if (field === "start_rows") {
        return within(1e-5)(toNestedArrays(policies.map((policy) => policy[startRow] ?? [])));
      }
      if (field === "nash_gap") return within(1e-8)(gap);
      const [, name = "", limit] = /^(\w+)_T(\d+)$/.exec(field) ?? [];
      const chosen = returns[name];
      return chosen && within(1e-6)(evaluateBridge(chosen, Number(limit)).ret);
    },
    report,
  );
}

function episodesOf(entry: Fields, seed: string): BridgeEpisode[] {
  const rng = new Mulberry32(asNumber(entry[seed], seed));
  return bridgeEpisodes(asNumber(entry.n_rand, "n_rand"), asNumber(entry.n_opt, "n_opt"), rng);
}

function positionsOf(value: unknown, name: string): CellPair {
  const [first, second] = asList(value, name).map((cell, i) => {
    const [row, column] = readPair(cell, `${name}[${i}]`);
    const position = bridgeCellAt(row, column);
    if (position < 0) throw new UserError(`${name}[${i}]: (${row}, ${column}) is no free cell`);
    return position;
  });
  return [first ?? NaN, second ?? NaN];
}

function cellsOf(positions: CellPair): number[][] {
  return positions.map((position) => [...(bridgeCells[position] ?? [])]);
}

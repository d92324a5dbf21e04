import { item } from "@fedclair/linalg";
import type { GameShape } from "./dataset.js";

/**
 * Bridge, with the rules of the official environment. Two agents on a 3×6 grid must swap sides
 * across a lane that is one cell wide, so one of them has to back off first.
 *
 *     row 0   . . # # . .      start: agent 0 at (1, 2), agent 1 at (1, 3)
 *     row 1   . . . . . .      goal:  agent 0 at (2, 5), agent 1 at (0, 0)
 *     row 2   . . # # . .
 *
 * A position is the index, 0 … 13, of a free cell in reading order.
 */
const map = ["..##..", "......", "..##.."] as const;

/** [row, column] of every free cell. */
export const bridgeCells: readonly (readonly [number, number])[] = map.flatMap((line, row) =>
  Array.from(line).flatMap((symbol, column) => (symbol === "." ? [[row, column] as const] : [])),
);

/** The moves of an agent: stay, up, down, right, left. */
const moves = [
  [0, 0],
  [-1, 0],
  [1, 0],
  [0, 1],
  [0, -1],
] as const;

export type CellPair = readonly [number, number];

const stay = 0;
export const bridgeActions = moves.length;
export const bridgeStart: CellPair = [bridgeCellAt(1, 2), bridgeCellAt(1, 3)];
export const bridgeGoal: CellPair = [bridgeCellAt(2, 5), bridgeCellAt(0, 0)];

/**
 * The size of the game: one state for every pair of positions, and `bridgeAbsorbing`, which follows
 * the end of an episode.
 */
export const bridgeShape: GameShape = {
  states: bridgeCells.length ** 2 + 1,
  actions: [bridgeActions, bridgeActions],
};
export const bridgeAbsorbing = bridgeShape.states - 1;

/** Encodes both positions as one state, 0 … 195. */
export function bridgeState([first, second]: CellPair): number {
  return first * bridgeCells.length + second;
}

/**
 * Decodes a state into positions; the inverse of `bridgeState`, for all states except the absorbing
 * one.
 */
export function bridgePositions(state: number): CellPair {
  return [Math.floor(state / bridgeCells.length), state % bridgeCells.length];
}

/** Returns the position of a cell, or -1 for a wall or a cell outside the grid. */
export function bridgeCellAt(row: number, column: number): number {
  return bridgeCells.findIndex(([r, c]) => r === row && c === column);
}

/**
 * `bridgeDestinations[position][action]` is the position that the action leads to, or -1 if it runs
 * into a wall or the border.
 */
export const bridgeDestinations: readonly (readonly number[])[] = bridgeCells.map(([row, column]) =>
  moves.map(([down, right]) => bridgeCellAt(row + down, column + right)),
);

interface BridgeStep {
  readonly next: CellPair;
  /**
   * 0 once both agents have reached their goals. Otherwise -0.05 × the sum of the distances to the
   * goal over the agents that were not home before.
   */
  readonly reward: number;
  /** Whether both agents have reached their goals. */
  readonly over: boolean;
}

/**
 * Executes one joint move.
 * @param positions of the two agents
 * @param actions of the two agents, 0 … 4
 */
export function bridgeStep(positions: CellPair, actions: CellPair): BridgeStep {
  const next = moveBoth(positions, actions);
  const over = isHome(next, 0) && isHome(next, 1);
  const costs = ([0, 1] as const).map((i) => (isHome(positions, i) ? 0 : distanceHome(next, i)));
  return { next, reward: over ? 0 : -0.05 * (item(costs, 0) + item(costs, 1)), over };
}

type Agent = 0 | 1;

export function isHome(positions: CellPair, agent: Agent): boolean {
  return positions[agent] === bridgeGoal[agent];
}

function distanceHome(positions: CellPair, agent: Agent): number {
  const [row = NaN, column = NaN] = bridgeCells[positions[agent]] ?? [];
  const [goalRow = NaN, goalColumn = NaN] = bridgeCells[bridgeGoal[agent]] ?? [];
  return Math.sqrt((row - goalRow) ** 2 + (column - goalColumn) ** 2);
}

/** Settles agent 0, then agent 1. The order decides who gets a cell that both want. */
function moveBoth(positions: CellPair, actions: CellPair): CellPair {
  const next: [number, number] = [...positions];
  const settled: [boolean, boolean] = [false, false];
  const target: [number, number] = [...positions];
  for (const i of [0, 1] as const) {
    if (isHome(positions, i)) continue;
    const destination = item(item(bridgeDestinations, positions[i]), actions[i]);
    if (destination < 0) settled[i] = true;
    else target[i] = destination;
  }
  for (const i of [0, 1] as const) {
    if (settled[i]) continue;
    const other = i === 0 ? 1 : 0;
    settled[i] = true;
    if (target[i] === bridgeGoal[i] || actions[i] === stay || isHome(positions, other)) {
      next[i] = target[i]; // entering one's own goal is never blocked, and an agent at its goal blocks no one
    } else if (settled[other]) {
      if (target[i] !== next[other]) next[i] = target[i];
    } else if (actions[other] === stay && positions[other] === target[i]) {
      // blocked by an agent that stays
    } else if (target[i] === target[other]) {
      next[i] = target[i];
      settled[other] = true;
    } else if (target[i] === positions[other] && target[other] === positions[i]) {
      settled[other] = true; // head-on: neither moves
    } else {
      next[i] = target[i];
    }
  }
  return next;
}

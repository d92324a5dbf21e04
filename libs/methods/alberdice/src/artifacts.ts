import type { FigureInput, Metrics } from "@fedclair/core";
import { bridgeCells, type CellPair } from "./bridge.js";
import { jointCount } from "./dataset.js";
import type { Environment } from "./environment.js";
import { jointProbabilities, type Policy } from "./policy.js";

/** The data behind the figures of a round's joint policy. */
export interface PlayArtifact {
  /** `return`, `nashGap` and, if the game has a goal, `success`. */
  readonly metrics: Metrics;
  /** The largest possible return. */
  readonly best: number;
  /**
   * Probabilities of joint actions in the starting state: one row per action of agent 0, one column
   * per joint action of the others.
   */
  readonly joint: readonly (readonly number[])[];
  /** Number of actions of each agent after agent 0; present only if there are several of them. */
  readonly others?: readonly number[];
  /**
   * The [row, column] of both agents by step if they always take the likeliest joint action; only
   * for a game on a map.
   */
  readonly path?: readonly (readonly (readonly [number, number])[])[];
}

/** Each client's median cosine with the others, in the round of one agent. */
export type ScreenArtifact = Readonly<Record<string, number>>;

export function createPlayArtifact(
  environment: Environment,
  policies: readonly Policy[],
): PlayArtifact {
  const { shape, start, best } = environment;
  const joint = Array.from(jointProbabilities(policies, start, shape), roundToFourDigits);
  const others = shape.actions.slice(1);
  const columns = jointCount({ states: 1, actions: others });
  const path = environment.path?.(policies).map(toCells);
  return {
    metrics: environment.measure(policies),
    best,
    joint: Array.from({ length: joint.length / columns }, (_, row) =>
      joint.slice(row * columns, (row + 1) * columns),
    ),
    ...(others.length > 1 && { others }),
    ...(path && { path }),
  };
}

function toCells(positions: CellPair): (readonly [number, number])[] {
  return positions.map((position) => bridgeCells[position] ?? [NaN, NaN]);
}

function roundToFourDigits(x: number): number {
  return Math.round(1e4 * x) / 1e4;
}

/** An artifact with its arm and round, for figures. */
export interface FigureArtifact<T> {
  readonly arm: string;
  readonly round: number;
  readonly value: T;
}

/** Lists the artifacts with one name and arm, in the order of rounds. */
export function selectArtifacts<T>(
  { artifacts }: FigureInput,
  name: string,
  arm: string,
): FigureArtifact<T>[] {
  return artifacts.flatMap((artifact) =>
    artifact.name === name && artifact.arm === arm
      ? [{ ...artifact, value: artifact.value as T }]
      : [],
  );
}

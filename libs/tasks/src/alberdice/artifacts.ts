import type { FigureInput, Metrics } from "@fedclair/core";
import { bridgeCells, type Pair } from "./bridge.js";
import { jointCount } from "./dataset.js";
import type { Environment } from "./environment.js";
import { jointProbabilities, type Policy } from "./policy.js";

/** What a round's joint policy is drawn from. */
export interface PlayArtifact {
  /** `return`, `nashGap` and, where there is such a thing, `success`. */
  readonly metrics: Metrics;
  /** The largest return that is possible. */
  readonly best: number;
  /** Probabilities of joint actions in the starting state: a row an action of agent 0, a column what all others do. */
  readonly joint: readonly (readonly number[])[];
  /** By further agent how many actions it has, if there is more than one. */
  readonly others?: readonly number[];
  /** For a game on a map: by step, the [row, column] of both agents, each always taking the likeliest joint action. */
  readonly path?: readonly (readonly (readonly [number, number])[])[];
}

/** By client, the median cosine with the others, in the round of one agent. */
export type ScreenArtifact = Readonly<Record<string, number>>;

export function playArtifact(environment: Environment, policies: readonly Policy[]): PlayArtifact {
  const { shape, start, best } = environment;
  const joint = Array.from(jointProbabilities(policies, start, shape), rounded);
  const others = shape.actions.slice(1);
  const columns = jointCount({ states: 1, actions: others });
  const path = environment.path?.(policies).map(cellsOf);
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

function cellsOf(positions: Pair): (readonly [number, number])[] {
  return positions.map((position) => bridgeCells[position] ?? [NaN, NaN]);
}

function rounded(x: number): number {
  return Math.round(1e4 * x) / 1e4;
}

/** An artifact as figures take it. */
export interface Shown<T> {
  readonly arm: string;
  readonly round: number;
  readonly value: T;
}

/** Those of one name and arm, in the order of rounds. */
export function artifactsOf<T>({ artifacts }: FigureInput, name: string, arm: string): Shown<T>[] {
  return artifacts.flatMap((artifact) =>
    artifact.name === name && artifact.arm === arm
      ? [{ ...artifact, value: artifact.value as T }]
      : [],
  );
}

import type { PluginChoice } from "./plugin-choice.js";

/** Something that a task's coordinator half showed after a round. */
export interface Artifact {
  readonly arm: string;
  readonly round: number;
  readonly name: string;
  /** What it was, after a journey through JSON. */
  readonly value: unknown;
}

/** What a run left to draw. */
export interface FigureInput {
  /** The task with its options, every default filled in. */
  readonly task: PluginChoice;
  /** In the order in which they were shown, those of the method under study first. */
  readonly artifacts: readonly Artifact[];
  /** The method under study first; each has one colour in all figures of the report. */
  readonly arms: readonly { readonly label: string; readonly colour: string }[];
  /** Widest figure, in CSS pixels. */
  readonly width: number;
}

/** A figure of a task's own. */
export interface TaskFigure {
  /** Of its files: lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  /** A Vega-Lite 6 specification with its data in it; fonts, axes and legends come from the report. */
  readonly spec: object;
}

export type TaskFigures = (input: FigureInput) => readonly TaskFigure[];

import type { PluginChoice } from "./plugin-choice.js";

/** Data for a figure that the task's step returned in a round. */
export interface Artifact {
  readonly arm: string;
  readonly round: number;
  readonly name: string;
  /** The value, written to JSON and read again. */
  readonly value: unknown;
}

/** The data of a run that figures are drawn from. */
export interface FigureInput {
  /** The task with its options, every default filled in. */
  readonly task: PluginChoice;
  /** The artifacts by arm and round, the main arm first. */
  readonly artifacts: readonly Artifact[];
  /** The main arm first. Each arm has the same colour in all figures of the report. */
  readonly arms: readonly { readonly label: string; readonly colour: string }[];
  /** The width of the widest figure, in CSS pixels. */
  readonly width: number;
}

/** A figure that only one task has. */
export interface TaskFigure {
  /** The name of the figure's files: lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  /**
   * A Vega-Lite 6 specification that contains its data. The report sets fonts, axes and legends.
   */
  readonly spec: object;
}

export type TaskFigures = (input: FigureInput) => readonly TaskFigure[];

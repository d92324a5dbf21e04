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
  readonly clients: ClientsInFigure;
  /** The width of the widest figure, in CSS pixels. */
  readonly width: number;
}

/** The clients of the trial. */
export interface ClientsInFigure {
  readonly count: number;
  /** Returns the display name of the client of an index from 0, such as `c07 Lincoln`. */
  readonly name: (index: number) => string;
  /** Returns its attack if it is contaminated, `unknown` if nobody knows, else `benign`. */
  readonly truth: (index: number) => string;
}

/** A figure that only one task has. */
export interface TaskFigure {
  /** The name of the figure's files: lower-case letters, digits and hyphens. */
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  /**
   * A Vega-Lite 6 specification that contains its data. The report sets fonts, axes and legends.
   * Images are `data:image/png` addresses; those in a field `picture` are left out of the CSV file.
   */
  readonly spec: object;
  /**
   * Present if lines are movements that a reader can play: what their points count, such as `step`.
   * A dot then moves along each line of the layers whose name begins with `moving`, all from their
   * first to their last point in the same time; marks of layers whose name begins with `arrival`
   * appear at its end. Print, files and readers without scripts have the figure as it is.
   */
  readonly moves?: string;
}

export type TaskFigures = (
  input: FigureInput,
) => readonly TaskFigure[] | Promise<readonly TaskFigure[]>;

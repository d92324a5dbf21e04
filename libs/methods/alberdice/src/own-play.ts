import { UserError, type Task } from "@fedclair/core";
import { splitRows } from "@fedclair/tasks/shared";
import type { Table } from "@fedclair/tasks/shared";
import { numbers, readTable, sortNames, texts, type ClientTable } from "@fedclair/tasks/shared";
import type { GameShape, Transition } from "./dataset.js";
import type { Environment } from "./environment.js";
import { createModel } from "./play-model.js";
import type { Options } from "./options.js";

/** Exact best responses take the third power of the number of states. */
const mostStates = 1000;

/** Recorded play as a game without rules. */
interface RecordedPlay {
  readonly environment: Environment;
  /** The members of the task that follow from the data. */
  readonly members: Pick<Task, "checkClients" | "clientLabel" | "notice">;
}

/** The rows of a table as transitions, in units that stay together: episodes, or single rows. */
interface Play {
  readonly shape: GameShape;
  readonly units: readonly (readonly Transition[])[];
  /** The first row of each unit. */
  readonly firstRows: readonly number[];
}

/**
 * Reads recorded transitions. States and actions are numbered in the order of their names: numbers
 * by size, other names by their letters. The last state of an episode, or a next state that never
 * occurs as a state, is the end, which pays nothing and is never left.
 * @throws UserError with file and row if the data are not as expected
 */
export async function readPlay(
  options: Options,
  source: NonNullable<Options["source"]>,
): Promise<RecordedPlay> {
  const { state, actions, reward, next = [], episode, client } = source.columns;
  const word = (prefix: string, names: readonly string[]) =>
    Object.fromEntries(names.map((name, i) => [`${prefix}${i}`, texts(name)]));
  const data = await readTable(
    source,
    {
      ...word("state", state),
      ...word("action", actions),
      ...word("next", next),
      reward: numbers(reward),
      ...(episode !== undefined && { episode: texts(episode) }),
    },
    client,
  );
  const play = toPlay(data, source.columns);
  const { shape, units, firstRows } = play;
  const { clients } = data;
  const owned = clients && {
    names: clients.names,
    owners: Int32Array.from(firstRows, (row) => clients.owners[row] ?? NaN),
  };
  const split = splitRows(
    { rows: units.length, clients: owned },
    { partition: options.partition, dataSeed: 1, minimum: 1 },
  );
  const model = createModel(units, shape, options);
  return {
    environment: {
      shape,
      best: model.best,
      start: model.start,
      features: (one) => Array.from({ length: shape.states }, (_, k) => Number(k === one)),
      draw: (_, { index, count }) =>
        Promise.resolve(Array.from(split.of(index, count)).flatMap((unit) => units[unit] ?? [])),
      measure: model.measure,
    },
    members: split.members,
  };
}

function toPlay({ table }: ClientTable, columns: NonNullable<Options["source"]>["columns"]): Play {
  const states = joinTexts(table, "state", columns.state.length);
  const nexts = columns.next && joinTexts(table, "next", columns.next.length);
  const names = sortNames(new Set(states));
  if (names.length > mostStates) {
    throw new UserError(
      `source: expected at most ${mostStates} states, got ${names.length}: use fewer columns for columns.state, or coarser values`,
    );
  }
  const stateOf = new Map(names.map((name, i) => [name, i]));
  const end = names.length;
  const actions = columns.actions.map((_, agent) => numberTexts(table.texts(`action${agent}`)));
  const rewards = table.numbers("reward");
  const episodes = columns.episode === undefined ? undefined : table.texts("episode");
  const units: Transition[][] = [];
  const firstRows: number[] = [];
  for (let row = 0; row < table.rows; row++) {
    const continues = episodes !== undefined && row > 0 && episodes[row] === episodes[row - 1];
    if (!continues) {
      units.push([]);
      firstRows.push(row);
    }
    const isLast = episodes === undefined || episodes[row] !== episodes[row + 1];
    const following = nexts ? nexts[row] : isLast ? undefined : states[row + 1];
    const transition = {
      state: stateOf.get(states[row] ?? "") ?? end,
      actions: actions.map(({ indices }) => indices[row] ?? 0),
      reward: rewards[row] ?? NaN,
      next: stateOf.get(following ?? "") ?? end,
    };
    const unit = units[units.length - 1];
    unit?.push(transition);
    if (transition.next === end) unit?.push({ ...transition, state: end, reward: 0 });
  }
  const shape = { states: end + 1, actions: actions.map(({ count }) => count) };
  return { shape, units, firstRows };
}

/** Joins the texts of several columns to one per row. */
function joinTexts(table: Table, prefix: string, count: number): readonly string[] {
  const columns = Array.from({ length: count }, (_, i) => table.texts(`${prefix}${i}`));
  if (count === 1) return columns[0] ?? [];
  return Array.from({ length: table.rows }, (_, row) =>
    columns.map((column) => column[row]).join(", "),
  );
}

/** Numbers texts in the order of their names. */
function numberTexts(values: readonly string[]) {
  const names = sortNames(new Set(values));
  const indices = new Map(names.map((name, i) => [name, i]));
  return { count: names.length, indices: values.map((value) => indices.get(value) ?? 0) };
}

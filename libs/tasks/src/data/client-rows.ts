import { UserError, type Task } from "@fedclair/core";
import { indices, stream } from "@fedclair/linalg";
import type { PartitionChoice } from "../partition/options.js";
import { drawPart, partition } from "../partition/partition.js";
import type { Clients } from "./table.js";

/** Rows to split: those of a table, or whatever a task makes of them. */
interface Splittable {
  readonly rows: number;
  /** The client of each row, if the data name clients. */
  readonly clients?: Clients | undefined;
}

/** Settings of a split of rows. */
interface RowSplit {
  /** Default: `natural` if the data name clients, and `iid` otherwise. */
  readonly partition: PartitionChoice | undefined;
  /** Other seeds give other random parts. */
  readonly dataSeed: number;
  /** The number of rows that a client needs. */
  readonly minimum: number;
  /** Why it needs so many, and what else to change; for messages. */
  readonly why?: string | undefined;
  /** The rows to split. Default: all. */
  readonly rows?: readonly number[];
  /** The class of each row, if the task knows classes. */
  readonly labels?: ArrayLike<number>;
}

/** The rows of a table by client. */
export interface ClientRows {
  /** Returns the rows of one of `count` clients, in random order. */
  of(client: number, count: number): Int32Array;
  /** The members of a task that follow from the split. */
  readonly members: Pick<Task, "checkClients" | "clientLabel" | "notice">;
}

/** Splits the rows of a table among the clients. A split is computed once per number of clients. */
export function splitRows(data: Splittable, split: RowSplit): ClientRows {
  const { clients } = data;
  const choice = split.partition ?? { by: clients ? "natural" : "iid" };
  let last: { readonly count: number; readonly partOf: (client: number) => Int32Array } | undefined;
  const partsFor = (count: number) => {
    if (last?.count !== count) last = { count, partOf: divide(data, choice, split, count) };
    return last.partOf;
  };
  const isNatural = choice.by === "natural" && clients !== undefined;
  return {
    of: (client, count) => partsFor(count)(client),
    members: {
      checkClients: (count) => {
        partsFor(count);
      },
      ...(isNatural && {
        clientLabel: (index: number) => clients.names[index] ?? `client ${index}`,
        notice: (count: number) =>
          clients.names.length > count
            ? `source: the data name ${clients.names.length} clients; the first ${count} take part, from '${clients.names[0] ?? ""}' to '${clients.names[count - 1] ?? ""}'`
            : undefined,
      }),
    },
  };
}

/** Returns the rows of each client. @throws UserError that says what to change */
function divide(
  { rows: total, clients }: Splittable,
  choice: PartitionChoice,
  { dataSeed, minimum, why, labels, rows }: RowSplit,
  count: number,
): (client: number) => Int32Array {
  if (labels === undefined && (choice.by === "dirichlet" || choice.by === "shards")) {
    throw new UserError(
      `partition: ${choice.by} splits by class, and this task has no classes: choose natural, iid, quantity or drawn`,
    );
  }
  const rng = stream(dataSeed).at("partition");
  const all = rows ?? indices(total);
  if (choice.by === "drawn") return (client) => drawPart(choice, all, client, rng);
  const pick = <T>(values: ArrayLike<T>) => all.map((row) => values[row] as T);
  const labelled = {
    labels: labels ? pick(labels) : new Uint8Array(all.length),
    ...(clients && { owners: pick(clients.owners) }),
  };
  const parts = partition(choice, labelled, count, rng);
  const small = parts.findIndex((part) => part.length < minimum);
  if (small < 0) return (client) => (parts[client] ?? new Int32Array(0)).map((i) => all[i] ?? NaN);
  const who = choice.by === "natural" ? `'${clients?.names[small] ?? ""}'` : `of index ${small}`;
  throw new UserError(
    `source: client ${who} would hold ${parts[small]?.length ?? 0} rows, but needs ${minimum}${why === undefined ? "" : ` ${why}`}: leave its rows out, or lower \`clients\``,
  );
}

import { useSignal } from "@preact/signals";
import type { RunState } from "../../src/data/protocol.js";
import { ClientMap } from "./client-map.js";
import { ClientList } from "./client-table.js";
import type { ShownRun } from "./connection.js";
import { orderRows, type SortKey } from "../data/order.js";
import { Choice, Section } from "../parts/index.js";
import { toggled } from "../parts/toggled.js";
import { clientId } from "../data/run-data.js";
import { noteChoice, readChoice } from "./route.js";

const sorts = [
  ["suspicion", "last score"],
  ["flagged", "rounds flagged"],
  ["truth", "truth"],
  ["failures", "failures"],
  ["client", "client"],
] as const satisfies readonly (readonly [SortKey, string])[];

const sizes: readonly (readonly [number, string])[] = [
  [4, "small"],
  [10, "medium"],
  [18, "large"],
  [28, "huge"],
];

/** The largest cells with which a trial needs little scrolling. */
function chooseSize({ clients, rounds }: RunState): number {
  if (clients > 500 || rounds > 200) return 10;
  return clients > 40 || rounds > 30 ? 18 : 28;
}

/** The clients of an arm, as the map and the table show them. */
export interface ShownClients extends ShownRun {
  /** The index of the arm. */
  readonly arm: number;
  /** Rows of the data, from top to bottom. */
  readonly order: readonly number[];
  /** The id and name of a client. */
  readonly label: (client: number) => string;
  readonly pinned: ReadonlySet<number>;
  readonly onPin: (client: number) => void;
}

/** Clients by rounds: a map, and the same as a table. */
export function ClientSection({ followed, run }: ShownRun) {
  const arm = Math.max(
    0,
    run.arms.findIndex(({ label }) => label === readChoice("method")),
  );
  const [sort] = sorts.find(([key]) => key === readChoice("order")) ?? sorts[0];
  const search = readChoice("search") ?? "";
  const isTable = readChoice("view") === "table";
  const pinned = useSignal<ReadonlySet<number>>(new Set());
  const size = useSignal(chooseSize(run));
  const names = followed.names.value;
  const label = (client: number) => {
    const [id, name] = [clientId(client, run.clients), names[client]];
    return name === undefined ? id : `${id} ${name}`;
  };
  const { data } = followed.grown.value;
  const shown: ShownClients = {
    followed,
    run,
    arm,
    order: orderRows(data, { arm, sort, search, pinned: pinned.value, label }),
    label,
    pinned: pinned.value,
    onPin: (client) => (pinned.value = toggled(pinned.value, client)),
  };
  return (
    <Section
      id="clients"
      title="Clients by round"
      aside={
        <div class="choice" role="group" aria-label="Show clients as">
          {(["map", "table"] as const).map((kind) => (
            <button
              key={kind}
              aria-pressed={isTable === (kind === "table")}
              onClick={() => {
                noteChoice("view", kind === "table" ? kind : undefined);
              }}
            >
              {kind}
            </button>
          ))}
        </div>
      }
    >
      <div class="controls">
        <label>
          Search
          <input
            type="search"
            value={search}
            placeholder="c07 or a name"
            onInput={(event) => {
              noteChoice("search", event.currentTarget.value);
            }}
          />
        </label>
        <Choice
          label="Order"
          value={sort}
          options={sorts}
          onChange={(value) => {
            noteChoice("order", value);
          }}
        />
        {run.arms.length > 1 && (
          <Choice
            label="Method"
            value={run.arms[arm]?.label ?? ""}
            options={run.arms.map(({ label }) => [label, label])}
            onChange={(value) => {
              noteChoice("method", value);
            }}
          />
        )}
        {!isTable && (
          <Choice
            label="Cells"
            value={String(size.value)}
            options={sizes.map(([value, text]) => [String(value), text])}
            onChange={(value) => (size.value = Number(value))}
          />
        )}
      </div>
      {isTable ? <ClientList {...shown} /> : <ClientMap {...shown} cell={size.value} />}
      <Sampling run={run} />
    </Section>
  );
}

/** Says what the map leaves out. */
function Sampling({ run: { clientSpacing, roundSpacing, clients } }: { readonly run: RunState }) {
  if (clientSpacing === 1 && roundSpacing === 1) return null;
  const parts = [
    ...(clientSpacing > 1
      ? [`every ${clientSpacing}th of ${clients.toLocaleString("en-GB")} clients`]
      : []),
    ...(roundSpacing > 1 ? [`every ${roundSpacing}th round`] : []),
  ];
  return (
    <p class="note">
      The map shows {parts.join(" and ")}. Everything else on this page covers all.
    </p>
  );
}

import { useSignal } from "@preact/signals";
import { clientId } from "../data/run-data.js";
import type { ShownClients } from "./client-section.js";
import { PageTable, formatRatio } from "../parts/index.js";
import { clientAddress } from "./route.js";

/** Rows on one page of the table. */
const pageRows = 50;

/** The clients of the map as a table, a page at a time. */
export function ClientList({ followed, run, arm, order, label, pinned, onPin }: ShownClients) {
  const { data } = followed.grown.value;
  const page = useSignal(0);
  const pages = Math.max(1, Math.ceil(order.length / pageRows));
  const first = Math.min(page.value, pages - 1) * pageRows;
  return (
    <>
      <PageTable
        caption="Clients with their last verdict"
        heads={[
          "client",
          "last verdict",
          "score over threshold",
          "highest",
          "rounds flagged",
          "failures",
          "truth",
          "pin",
        ]}
        numbers={[2, 3, 4, 5]}
        rows={order.slice(first, first + pageRows).map((row) => {
          const client = data.clients[row] ?? 0;
          const { lastVerdict, lastRatio, maxRatio, flagged, judged, failed } = data
            .arm(arm)
            .totals(row);
          const isPinned = pinned.has(client);
          return [
            <a key={client} href={clientAddress(clientId(client, run.clients))}>
              {label(client)}
            </a>,
            lastVerdict,
            formatRatio(lastRatio),
            formatRatio(maxRatio),
            `${flagged} of ${judged}`,
            failed,
            data.truth(row),
            <button
              key={client}
              class="link"
              aria-pressed={isPinned}
              aria-label={`pin ${label(client)}`}
              onClick={() => {
                onPin(client);
              }}
            >
              {isPinned ? "★" : "☆"}
            </button>,
          ];
        })}
      />
      {pages > 1 && (
        <div class="controls">
          <button disabled={first === 0} onClick={() => (page.value = Math.max(0, page.value - 1))}>
            Previous
          </button>
          <span class="note">
            {first + 1} – {Math.min(order.length, first + pageRows)} of {order.length}
          </span>
          <button
            disabled={first + pageRows >= order.length}
            onClick={() => (page.value = Math.min(pages - 1, page.value + 1))}
          >
            Next
          </button>
        </div>
      )}
    </>
  );
}

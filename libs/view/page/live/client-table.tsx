import { useSignal } from "@preact/signals";
import type { FollowedRun } from "./connection.js";
import { formatRatio } from "../parts/index.js";

/** Rows on one page of the table. */
const pageRows = 50;

/** The clients of the map as a table, a page at a time. */
export function ClientTable({
  followed,
  arm,
  order,
  label,
  pinned,
  onPin,
  onSelect,
}: {
  readonly followed: FollowedRun;
  readonly arm: number;
  readonly order: readonly number[];
  readonly label: (client: number) => string;
  readonly pinned: ReadonlySet<number>;
  readonly onPin: (client: number) => void;
  readonly onSelect: (client: number) => void;
}) {
  const { data } = followed.grown.value;
  const page = useSignal(0);
  const pages = Math.max(1, Math.ceil(order.length / pageRows));
  const first = Math.min(page.value, pages - 1) * pageRows;
  return (
    <>
      <div class="wide" tabIndex={0} role="region" aria-label="Clients">
        <table>
          <caption class="unseen">Clients with their last verdict</caption>
          <thead>
            <tr>
              <th scope="col">client</th>
              <th scope="col">last verdict</th>
              <th scope="col" class="number">
                score over threshold
              </th>
              <th scope="col" class="number">
                highest
              </th>
              <th scope="col" class="number">
                rounds flagged
              </th>
              <th scope="col" class="number">
                failures
              </th>
              <th scope="col">truth</th>
              <th scope="col">pin</th>
            </tr>
          </thead>
          <tbody>
            {order.slice(first, first + pageRows).map((row) => {
              const client = data.clients[row] ?? 0;
              const totals = data.arm(arm).totals(row);
              return (
                <tr key={client}>
                  <th scope="row">
                    <button
                      class="link"
                      onClick={() => {
                        onSelect(client);
                      }}
                    >
                      {label(client)}
                    </button>
                  </th>
                  <td>{totals.lastVerdict}</td>
                  <td class="number">{formatRatio(totals.lastRatio)}</td>
                  <td class="number">{formatRatio(totals.maxRatio)}</td>
                  <td class="number">
                    {totals.flagged} of {totals.judged}
                  </td>
                  <td class="number">{totals.failed}</td>
                  <td>{data.truth(row)}</td>
                  <td>
                    <button
                      class="link"
                      aria-pressed={pinned.has(client)}
                      aria-label={`pin ${label(client)}`}
                      onClick={() => {
                        onPin(client);
                      }}
                    >
                      {pinned.has(client) ? "★" : "☆"}
                    </button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
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

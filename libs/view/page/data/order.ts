import { isAttack, type RowTotals, type RunData } from "./run-data.js";
import { flagsClient } from "./verdicts.js";

/** How rows of the map and the table are ordered. */
export type SortKey = "suspicion" | "flagged" | "truth" | "failures" | "client";

/** Which rows are shown, and in which order. */
export interface RowChoice {
  readonly arm: number;
  readonly sort: SortKey;
  /** Part of the client's id or name, in any case; empty for all. */
  readonly search: string;
  /** Clients that come first, by index. */
  readonly pinned: ReadonlySet<number>;
  /** The client's id and name. */
  readonly label: (client: number) => string;
}

/** Lists the rows to show: pinned ones first, then by the key, then by client. */
export function orderRows(data: RunData, choice: RowChoice): number[] {
  const { arm, sort, pinned, label } = choice;
  const search = choice.search.trim().toLowerCase();
  const own = data.arm(arm);
  return [...data.clients.entries()]
    .filter(([, client]) => label(client).toLowerCase().includes(search))
    .map(([row, client]) => ({
      row,
      client,
      pin: Number(pinned.has(client)),
      key: sortValue(sort, own.totals(row), data.truth(row)),
    }))
    .sort((a, b) => b.pin - a.pin || b.key - a.key || a.client - b.client)
    .map(({ row }) => row);
}

function sortValue(sort: SortKey, totals: Readonly<RowTotals>, truth: string): number {
  switch (sort) {
    case "suspicion":
      return suspicion(totals);
    case "flagged":
      return totals.flagged + suspicion(totals) / 1e6;
    case "truth":
      return isAttack(truth) ? 2 : truth === "unknown" ? 1 : 0;
    case "failures":
      return totals.failed;
    case "client":
      return 0;
  }
}

/** Invalid clients have no score and come before all others. */
function suspicion({ lastRatio, lastVerdict }: Readonly<RowTotals>): number {
  if (lastVerdict === "invalid") return 1e5;
  return Number.isNaN(lastRatio) ? (flagsClient(lastVerdict) ? 1 : -1) : Math.min(lastRatio, 1e4);
}

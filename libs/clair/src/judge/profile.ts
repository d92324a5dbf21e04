import { indices, item, median, pick, sum } from "@fedclair/linalg";
import type { ClairRule } from "../options.js";
import type { ClientVerdict } from "./gap.js";

/** A client that has most of its energy where the others have little. */
interface Misplaced {
  /** The module with the largest excess. */
  readonly module: string;
  /** The client's share of energy in it, and the usual one. */
  readonly share: number;
  readonly usual: number;
}

/** Most of a client's energy may not be elsewhere than that of the others. */
const mostElsewhere = 0.5;

/**
 * Finds clients whose energy is spread over modules unlike that of the others: more than half of it
 * would have to move to other modules. Norms of whole changes and means over modules do not show a
 * change that is concentrated in a few of them. In 25 pools of real adapters, 22 % of an honest
 * client's energy would have to move at most.
 * @param norms of the clients' changes by module
 * @param voters one client of each group of copies
 * @returns by client
 */
function findMisplaced(
  norms: ReadonlyMap<string, readonly number[]>,
  voters: readonly number[],
): ReadonlyMap<number, Misplaced> {
  const names = [...norms.keys()];
  const energies = [...norms.values()].map((own) => own.map((norm) => norm ** 2));
  const clients = indices(item(energies, 0).length);
  const totals = clients.map((k) => sum(energies.map((own) => item(own, k))));
  const shares = energies.map((own) => own.map((x, k) => x / item(totals, k)));
  const middles = shares.map((own) => median(pick(own, voters)));
  const usual = middles.map((x) => x / sum(middles));
  const found = new Map<number, Misplaced>();
  for (const k of clients) {
    const excess = shares.map((own, m) => item(own, k) - item(usual, m));
    const elsewhere = sum(excess.map((x) => Math.max(x, 0)));
    if (!(elsewhere > mostElsewhere)) continue;
    const m = excess.indexOf(Math.max(...excess));
    const share = item(item(shares, m), k);
    found.set(k, { module: item(names, m), share, usual: item(usual, m) });
  }
  return found;
}

/**
 * Withholds the verdicts about clients that `findMisplaced` finds and that are not flagged. It is
 * meant for pairs: dense modules, such as the layers of a small network, differ in what they learn.
 */
export function withholdMisplaced(
  verdicts: readonly ClientVerdict[],
  norms: ReadonlyMap<string, readonly number[]>,
  voters: readonly number[],
  rule: ClairRule,
): ClientVerdict[] {
  const misplaced = findMisplaced(norms, voters);
  const isPooled = rule.by === "evidence" && rule.undecided === "in";
  return verdicts.map((verdict, k) => {
    const own = misplaced.get(k);
    if (own === undefined || verdict.status === "contaminated") return verdict;
    const reason =
      "has most of its energy in modules where the others have little: " +
      `${formatPercent(own.share)} in ${own.module}, where ${formatPercent(own.usual)} is usual`;
    return { ...verdict, status: "undecided", isPooled, reason };
  });
}

function formatPercent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

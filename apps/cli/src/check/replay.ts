import { UserError } from "@fedclair/core/errors";
import { printComparison } from "../results/compare.js";
import { requireRun } from "../results/show.js";
import { replayMostSuspicious } from "./most-suspicious.js";
import { replayFlagged } from "./replay-flagged.js";
import { replayWithout, type ReplayRunOptions } from "./replay-without.js";

/** Which clients to leave out: some that are named, the flagged or the most suspicious ones. */
interface ReplayOptions extends ReplayRunOptions {
  readonly without?: readonly string[] | "flagged";
  /** Number of clients to leave out one at a time. */
  readonly mostSuspicious?: number;
  /** The first round without them. Default: 1. */
  readonly from?: number;
}

/**
 * `fedclair replay`: runs a run's trial again without some clients from a round on, and compares
 * the two. Rounds before that come from the run's checkpoints, if it kept them.
 * @throws UserError if the folder holds no run, or the trial has no such clients
 */
export async function replay(
  folder: string,
  { without, mostSuspicious, from, ...options }: ReplayOptions,
): Promise<void> {
  if (mostSuspicious !== undefined) {
    await replayMostSuspicious(folder, mostSuspicious, { ...options, from: from ?? 1 });
    return;
  }
  if (!without) {
    throw new UserError(
      "replay: expected clients to leave out: --without c03, --without flagged for those that are flagged, or --most-suspicious 3 for those with the highest scores",
    );
  }
  if (without === "flagged") {
    if (from !== undefined) {
      throw new UserError(
        `--from ${from} is for named clients: --without flagged begins where one of them first had influence`,
      );
    }
    await replayFlagged(folder, options);
    return;
  }
  const stored = await requireRun(folder);
  const out = await replayWithout(stored, { ...options, without, from: from ?? 1 });
  await printComparison([folder, out], { plugins: [], json: false });
}

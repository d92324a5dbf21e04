import { UserError } from "@fedclair/core/errors";
import { compareRuns } from "../results/compare.js";
import { requireRun } from "../results/show.js";
import { replayMostSuspicious } from "./most-suspicious.js";
import { replayWithout, type ReplayOptions } from "./replay-without.js";

/** Which clients to leave out: some that are named, or each of the most suspicious ones. */
export type ReplayArguments = Omit<ReplayOptions, "without"> & {
  readonly without?: readonly string[];
  /** Number of clients to leave out one at a time. */
  readonly mostSuspicious?: number;
};

/**
 * `fedclair replay`: runs a run's trial again without some clients from a round on, and compares
 * the two. Rounds before that come from the run's checkpoints, if it kept them.
 * @throws UserError if the folder holds no run, or the trial has no such clients
 */
export async function replay(
  folder: string,
  { without, mostSuspicious, ...options }: ReplayArguments,
): Promise<void> {
  if (mostSuspicious !== undefined) {
    await replayMostSuspicious(folder, mostSuspicious, options);
    return;
  }
  if (!without) {
    throw new UserError(
      "replay: expected clients to leave out: --without c03, or --most-suspicious 3 for those with the highest scores",
    );
  }
  const stored = await requireRun(folder);
  const out = await replayWithout(stored, { ...options, without });
  await compareRuns([folder, out], { plugins: [], json: false });
}

import { UserError } from "@fedclair/core/errors";
import { listArms } from "@fedclair/core/internal";
import { eachRecord, isFlagged, print } from "@fedclair/runs";
import { printComparison } from "../results/compare.js";
import { requireFinished } from "../results/show.js";
import { replayWithout, type ReplayRunOptions } from "./replay-without.js";

/**
 * `fedclair replay RUN --without flagged`: goes back to the round before a flagged client first had
 * influence, and runs on from there without the flagged clients. Then it compares the result with
 * the run, and with a run that never had these clients.
 * @throws UserError if the folder holds no finished run, or its aggregator flags nobody
 */
export async function replayFlagged(folder: string, options: ReplayRunOptions): Promise<void> {
  const stored = await requireFinished(folder);
  const [{ label }] = listArms(stored.trial);
  const { flagged, flaggedBefore, from } = await findInfluence(folder, label);
  if (flagged.length === 0) {
    const others =
      flaggedBefore.length > 0 ? `; it flagged ${flaggedBefore.join(", ")} in earlier rounds` : "";
    throw new UserError(
      `${label} flags no client at the end of the run in '${folder}'${others}: name the clients to leave out, as --without c03`,
    );
  }
  const who = flagged.join(", ");
  if (from === undefined) {
    print(
      `flagged: ${who}. No update of them entered the result, so there is nothing to repair.\n`,
    );
    return;
  }
  print(`flagged: ${who}. The first update of them entered the result in round ${from}.\n`);
  const repaired = await replayWithout(stored, { ...options, without: flagged, from });
  const folders = [folder, repaired];
  if (from > 1)
    folders.push(await replayWithout(stored, { ...options, without: flagged, from: 1 }));
  await printComparison(folders, { plugins: [], json: false });
}

/** The flagged clients of an arm, and since when they had influence. */
interface Influence {
  /** The clients that are flagged in the last judgement of them. */
  readonly flagged: readonly string[];
  /** The clients that are not, but were in earlier rounds. */
  readonly flaggedBefore: readonly string[];
  /** The first round in which an update of the former was aggregated; absent if there is none. */
  readonly from?: number | undefined;
}

async function findInfluence(folder: string, arm: string): Promise<Influence> {
  const lastFlags = new Map<string, boolean>();
  const everFlagged = new Set<string>();
  const aggregatedFrom = new Map<string, number>();
  for await (const record of eachRecord(folder)) {
    if (record.arm !== arm) continue;
    for (const client of record.clients) {
      const { clientId: id, verdict, failure, pooled = !isFlagged(client) } = client;
      if (verdict !== undefined) lastFlags.set(id, isFlagged(client));
      if (isFlagged(client)) everFlagged.add(id);
      if (failure === null && pooled && !aggregatedFrom.has(id))
        aggregatedFrom.set(id, record.round);
    }
  }
  const ever = [...everFlagged].sort();
  const flagged = ever.filter((id) => lastFlags.get(id) === true);
  const rounds = flagged.flatMap((id) => aggregatedFrom.get(id) ?? []);
  return {
    flagged,
    flaggedBefore: ever.filter((id) => lastFlags.get(id) !== true),
    ...(rounds.length > 0 && { from: Math.min(...rounds) }),
  };
}

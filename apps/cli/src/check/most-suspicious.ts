import { UserError } from "@fedclair/core/errors";
import { listArms, oneLine } from "@fedclair/core/internal";
import { findInfluences, influenceText, readForReport, writeRunReport } from "@fedclair/view";
import {
  countNoun,
  eachRecord,
  findRun,
  formatNumber,
  print,
  scoreRatio,
  type StoredRun,
} from "@fedclair/runs";
import { join } from "node:path";
import { printComparison } from "../results/compare.js";
import { openRunWith } from "../results/open-run.js";
import { requireFinished } from "../results/show.js";
import { replayWithout, type ReplayRunOptions } from "./replay-without.js";

/** A client with its highest score over threshold, and the round that gave it. */
interface SuspiciousClient {
  readonly id: string;
  readonly ratio: number;
  readonly round: number;
}

/**
 * Runs a finished run's trial again without each of its most suspicious clients, one at a time.
 * Then it compares the runs, and writes the run's report again. The report shows the influence of
 * each client. Replays that are there already are used as they are; new ones get no report.
 * @param count number of clients to leave out
 * @throws UserError if the folder holds no finished run of this release, or no client has a score
 */
export async function replayMostSuspicious(
  folder: string,
  count: number,
  options: ReplayRunOptions & { readonly from: number },
): Promise<void> {
  const stored = await requireFinished(folder, "replay");
  const chosen = await findMostSuspicious(stored, count);
  print(`${formatChoice(chosen, count)}\n`);
  const reported = await openRunWith(folder, [], readForReport);
  const { run } = reported;
  const before = await findInfluences(run, folder);
  const folders: string[] = [];
  for (const { id } of chosen) {
    const done = before.find(
      ({ clients, from }) => clients.length === 1 && clients[0] === id && from === options.from,
    );
    if (done) {
      const place = join(folder, "..", done.folder);
      process.stderr.write(`${oneLine(place)}: done before\n`);
      folders.push(place);
      continue;
    }
    const out = await replayWithout(stored, { ...options, report: false, without: [id] });
    // The command that ran it has told why it did not end.
    if ((await findRun(out))?.status !== "done") return;
    folders.push(out);
  }
  await printComparison([folder, ...folders], { plugins: [], json: false });
  const ids = new Set(chosen.map(({ id }) => id));
  const influences = await findInfluences(run, folder);
  const shown = influences.filter(
    ({ clients: [id = "", ...others], from }) =>
      others.length === 0 && ids.has(id) && from === options.from,
  );
  print(shown.map((one) => `\n${influenceText(one)}`).join("") + "\n");
  if (!options.report) return;
  await writeRunReport(reported, folder, influences);
  print(`report: ${join(folder, "report.html")}\n`);
}

/**
 * Finds the clients of the main arm with the highest scores over their thresholds, in any round.
 * Equal ones are in the order of their ids.
 * @throws UserError if no client has a score and a threshold
 */
async function findMostSuspicious(
  { folder, trial }: Pick<StoredRun, "folder" | "trial">,
  count: number,
): Promise<SuspiciousClient[]> {
  const [{ label }] = listArms(trial);
  const highest = new Map<string, SuspiciousClient>();
  for await (const { arm, round, clients } of eachRecord(folder)) {
    if (arm !== label) continue;
    for (const client of clients) {
      const { clientId: id } = client;
      const ratio = scoreRatio(client);
      if (ratio !== undefined && ratio > (highest.get(id)?.ratio ?? -Infinity))
        highest.set(id, { id, ratio, round });
    }
  }
  if (highest.size === 0) {
    throw new UserError(
      `${label} gives no client of the run in '${folder}' a score with a threshold: name the clients to leave out with --without`,
    );
  }
  return [...highest.values()]
    .sort((a, b) => b.ratio - a.ratio || (a.id < b.id ? -1 : 1))
    .slice(0, count);
}

function formatChoice(chosen: readonly SuspiciousClient[], count: number): string {
  const list = chosen.map(
    ({ id, ratio, round }) => `${id} (${formatNumber(ratio)} × its threshold in round ${round})`,
  );
  const few =
    chosen.length < count ? `; only ${countNoun(chosen.length, "client")} have a score` : "";
  return `most suspicious: ${list.join(", ")}${few}`;
}

import { UserError } from "@fedclair/core/errors";
import { recordsAfter, recordsEnd, timingsAfter } from "@fedclair/runs";
import type { LiveRun } from "./live-run.js";
import { RoundStream, roundTime } from "../data/round-columns.js";

/** Sends one server-sent event; resolves when the reader can take more. */
export type Send = (event: string, data: unknown, id?: string) => Promise<void>;

/** The place in a run up to which a reader has everything. */
interface Place {
  readonly identity: string;
  readonly records: number;
  readonly timings: number;
}

/** Time after which a reader is sent an event even if nothing happened, in ms. */
const pingEvery = 15_000;

/**
 * Sends a run to one reader, from a place on and then whatever is added, until `signal` aborts and
 * the state of that moment is sent. The events are
 * - `reset`: everything before is void, as in a new run in the same folder;
 * - `run`: a `RunState`, `names`: the `Names`, and `activity`: an `Activity`;
 * - `round` and `time`: `StreamedArmRound` and `RoundCost`, with the id of the place after them;
 * - `live`: everything that was written has been sent;
 * - `ping`: nothing happened.
 * @param after the id of the last event that the reader has received
 */
export async function streamRun(
  run: LiveRun,
  after: string | undefined,
  send: Send,
  signal: AbortSignal,
): Promise<void> {
  let place: Place | undefined = parsePlace(after);
  let sent = { version: -1, names: {} as unknown, activity: undefined as string | undefined };
  let rounds = new RoundStream();
  const isOver = () => signal.aborted && sent.version === run.version;
  if (run.version === 0) await run.changed(0, Infinity, signal);
  while (!isOver()) {
    const { version, summary, identity = "", names, activity } = run;
    if (summary && !(await isInRun(run, place))) {
      place = { identity, records: 0, timings: 0 };
      rounds = new RoundStream();
      await send("reset", {});
    }
    if (names !== sent.names && summary) await send("names", names);
    await send("run", run.state);
    if (activity && activity.written !== sent.activity) await send("activity", activity);
    if (summary && place) place = await sendNew(run, place, rounds, send, signal);
    if (version !== run.version) continue; // it has changed meanwhile
    if (version !== sent.version) await send("live", {});
    sent = { version, names: summary ? names : {}, activity: activity?.written };
    await run.changed(version, pingEvery, signal);
    if (version === run.version && !signal.aborted) await send("ping", {});
  }
}

/** Sends what is new, up to a record that cannot be read: `run.state` says why. */
async function sendNew(
  { folder, summary }: LiveRun,
  from: Place,
  rounds: RoundStream,
  send: Send,
  signal: AbortSignal,
): Promise<Place> {
  let place = from;
  if (!summary) return place;
  const { labels, spacing } = summary;
  try {
    for await (const { value, end } of timingsAfter(folder, place.timings)) {
      place = { ...place, timings: end };
      await send("time", roundTime(value, labels), formatPlace(place));
      if (signal.aborted) return place;
    }
    for await (const { value, end } of recordsAfter(folder, place.records)) {
      place = { ...place, records: end };
      const encoded = rounds.encode(value, labels, spacing, summary.metricOf(value));
      await send("round", encoded, formatPlace(place));
      if (signal.aborted) return place;
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  return place;
}

/** Is the place one of the present run? The records of a run that resumes may have become fewer. */
async function isInRun(run: LiveRun, place: Place | undefined): Promise<boolean> {
  if (!place || place.identity !== run.identity) return false;
  return place.records <= (await recordsEnd(run.folder));
}

function formatPlace({ identity, records, timings }: Place): string {
  return `${identity}~${records}~${timings}`;
}

/** @param text comes from the reader */
function parsePlace(text: string | undefined): Place | undefined {
  const [, identity, records, timings] =
    /^([\w-]{1,64})~(\d{1,15})~(\d{1,15})$/.exec(text ?? "") ?? [];
  if (identity === undefined) return undefined;
  return { identity, records: Number(records), timings: Number(timings) };
}

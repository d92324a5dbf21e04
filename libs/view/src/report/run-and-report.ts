import { printable } from "@fedclair/core/internal";
import {
  commandName,
  countNoun,
  interruption,
  Progress,
  recordTrial,
  type TrialRun,
} from "@fedclair/runs";
import { showRun, type ShowOptions } from "./show-run.js";

/** A trial to run with output for a person. */
interface ReportedRun extends Omit<TrialRun, "signal">, ShowOptions {
  /** Called after the last round, before the report is written. */
  readonly onRecorded?: () => Promise<void>;
}

/**
 * Runs a trial with a progress bar on stderr, writes its report, and prints the outcome to stdout.
 * @returns the exit code, as in `showRun`
 */
export async function runAndReport({
  json,
  report,
  onRecorded,
  ...run
}: ReportedRun): Promise<number> {
  const { prepared, out } = run;
  const progress = new Progress(prepared.trial, prepared.measures.primary);
  let rounds = 0;
  let events = 0;
  const unchanged: string[] = [];
  /** Arms whose aggregator has told something. */
  const noticed = new Set<string>();
  try {
    await recordTrial({
      ...run,
      signal: interruption.signal,
      onResume: (done) => {
        for (const count of done.values()) rounds += count;
        progress.notice(`goes on after ${countNoun(rounds, "round")}`);
        progress.skip(rounds);
        run.onResume?.(done);
      },
      onNotice: (notice) => {
        progress.notice(notice);
      },
      onEvent: (event) => {
        events++;
        if (event.event.kind === "round") {
          rounds++;
          const { round, kept: why, notice } = event.event.record;
          const { label, choice } = event.arm;
          if (notice !== undefined && !noticed.has(label)) {
            noticed.add(label);
            progress.notice(`${label}: ${printable(notice, 2000)}`);
          }
          if (why !== undefined)
            unchanged.push(`${label} round ${round}, aggregator '${choice.name}': ${why}`);
        }
        progress.event(event);
        return run.onEvent?.(event);
      },
    });
  } catch (error) {
    progress.stop();
    const isCut = interruption.signal.aborted && events > 0;
    if (rounds > 0 || isCut) {
      const place = rounds > 0 ? `after ${countNoun(rounds, "round")}` : "in the first round";
      process.stderr.write(`stopped ${place}, in ${out}: ${commandName()} resume ${out} goes on\n`);
    }
    throw error;
  }
  progress.stop();
  await onRecorded?.();
  for (const text of formatUnchanged(unchanged)) process.stderr.write(`warning: ${text}\n`);
  return await showRun(out, prepared, { json, report });
}

/** Sentences about rounds that left the params unchanged; only the first few are listed. */
function formatUnchanged(unchanged: readonly string[]): string[] {
  const shown = unchanged.slice(0, 3).map((text) => `${text}; the round kept the old ones`);
  return unchanged.length > 3
    ? [...shown, `${unchanged.length - 3} more rounds kept their params`]
    : shown;
}

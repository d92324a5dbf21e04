import { countNoun, interruption, Progress, recordTrial, type TrialRun } from "@fedclair/runs";
import { showRun, type Showing } from "./show-run.js";

/** A trial to run in front of a person. */
export type ReportedRun = Omit<TrialRun, "signal"> & Showing;

/**
 * Runs a trial with a progress bar on stderr, writes its report, and ends with the outcome on stdout.
 * @returns the exit code, as `showRun`
 */
export async function runAndReport({ json, report = true, ...run }: ReportedRun): Promise<number> {
  const { prepared, out } = run;
  for (const notice of prepared.notices) process.stderr.write(`${notice}\n`);
  const progress = new Progress(prepared.trial);
  let rounds = 0;
  const kept: string[] = [];
  try {
    await recordTrial({
      ...run,
      signal: interruption.signal,
      onResume: (done) => {
        for (const own of done.values()) rounds += own;
        process.stderr.write(`goes on after ${countNoun(rounds, "round")}\n`);
        progress.skip(rounds);
        run.onResume?.(done);
      },
      onEvent: (event) => {
        if (event.event.kind === "round") {
          rounds++;
          const { round, kept: why } = event.event.record;
          if (why !== undefined) kept.push(`${event.arm.label} round ${round}: ${why}`);
        }
        progress.event(event);
        run.onEvent?.(event);
      },
    });
  } catch (error) {
    progress.stop();
    if (rounds > 0)
      process.stderr.write(
        `stopped after ${countNoun(rounds, "round")}, in ${out}: fedclair resume ${out} goes on\n`,
      );
    throw error;
  }
  progress.stop();
  for (const text of keptText(kept)) process.stderr.write(`warning: ${text}\n`);
  return await showRun(out, prepared, { json, report });
}

/** Rounds whose params stayed as they were, the first few by name. */
function keptText(kept: readonly string[]): string[] {
  const shown = kept.slice(0, 3).map((text) => `${text}; the round kept the old ones`);
  return kept.length > 3 ? [...shown, `${kept.length - 3} more rounds kept their params`] : shown;
}

import {
  aggregateRound,
  formatRoundReport,
  parseEvaluate,
  type RoundOptions,
} from "@fedclair/audit";
import { interruption, print } from "@fedclair/runs";

interface AggregateArguments extends Omit<RoundOptions, "evaluate"> {
  /** Command that prints the loss of the adapter `{adapter}`. */
  readonly evaluate?: string;
  /** How long that command may take for one adapter, in seconds. */
  readonly evaluateTimeout: number;
  /** Number of commands that run at a time. */
  readonly evaluateJobs: number;
  readonly json: boolean;
}

/** `fedclair aggregate`: aggregates the adapters of one round and prints the report. */
export async function printRound(
  folder: string,
  { json, evaluate, evaluateTimeout, evaluateJobs, ...options }: AggregateArguments,
): Promise<void> {
  const command = evaluate === undefined ? undefined : parseEvaluate(evaluate);
  const report = await aggregateRound(folder, {
    ...options,
    evaluate: command && { command, timeoutSeconds: evaluateTimeout, jobs: evaluateJobs },
    signal: interruption.signal,
    log: (line) => process.stderr.write(`${line}\n`),
  });
  print(json ? JSON.stringify(report) + "\n" : formatRoundReport(report, options.out));
}

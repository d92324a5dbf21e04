import { aggregateRound, formatRoundReport, type RoundOptions } from "@fedclair/audit";
import { interruption, print } from "@fedclair/runs";

interface AggregateArguments extends RoundOptions {
  readonly json: boolean;
}

/** `fedclair aggregate`: aggregates the adapters of one round and prints the report. */
export async function printRound(
  folder: string,
  { json, ...options }: AggregateArguments,
): Promise<void> {
  const report = await aggregateRound(folder, {
    ...options,
    signal: interruption.signal,
    log: (line) => process.stderr.write(`${line}\n`),
  });
  print(json ? JSON.stringify(report) + "\n" : formatRoundReport(report, options.out));
}

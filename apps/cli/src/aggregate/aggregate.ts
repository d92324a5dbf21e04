import { formatRound, runServerStep, type ServerStepOptions } from "@fedclair/audit";
import { print } from "@fedclair/runs";

export interface AggregateOptions extends ServerStepOptions {
  readonly json: boolean;
}

/** `fedclair aggregate`: runs one round's server step and prints its report. */
export async function aggregate(folder: string, options: AggregateOptions): Promise<void> {
  const report = await runServerStep(folder, options, (line) => process.stderr.write(`${line}\n`));
  print(options.json ? JSON.stringify(report) + "\n" : formatRound(report, options.out));
}

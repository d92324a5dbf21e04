import { availableParallelism } from "node:os";
import { formatPower, measurePower } from "@fedclair/audit";
import { interruption, print } from "@fedclair/runs";
import { placesWith } from "../processes/open-place.js";
import type { PythonOptions } from "../processes/read-hosts.js";

interface PowerArguments extends PythonOptions {
  readonly set: readonly string[];
  readonly seeds?: string;
  readonly json: boolean;
}

/** `fedclair power`: reports how many contaminated clients of each kind a trial would find. */
export async function printPower(
  file: string,
  { set, seeds, json, ...python }: PowerArguments,
): Promise<void> {
  const open = placesWith({ ...python, pythonHosts: availableParallelism() });
  const { signal } = interruption;
  const measured = await measurePower(file, { set, seeds, open, signal });
  print(json ? `${JSON.stringify(measured, null, 2)}\n` : formatPower(measured));
}

import {
  controlKinds,
  parseBank,
  readShippedBank,
  type Bank,
  type ControlKind,
} from "@fedclair/clair";
import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { commandName, readOptionFile } from "@fedclair/runs";

/**
 * Reads the bank that `fedclair calibrate` made.
 * @param file of option `--bank`; undefined for the bank that is shipped
 */
export function readBank(file: string | undefined): Bank {
  if (file === undefined) return readShippedBank();
  const text = readOptionFile("--bank", file);
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new UserError(
      `--bank: '${oneLine(file)}' is not JSON; make a bank with ${commandName()} calibrate`,
    );
  }
  return parseBank(data, `--bank: '${oneLine(file)}'`);
}

/** Parses option `--require`: kinds of attackers, with commas between them. */
export function parseRequired(value: string | undefined): ControlKind[] {
  return (value?.split(",") ?? []).map((word) => {
    const kind = controlKinds.find((one) => one === word.trim());
    if (kind !== undefined) return kind;
    throw new UserError(
      `--require: '${oneLine(word)}' is no kind of attacker that is planted; expected ${controlKinds.join(", ")}`,
    );
  });
}

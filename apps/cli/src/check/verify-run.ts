import { exitCodes } from "@fedclair/core/errors";
import { countNoun, interruption, print, wrapMessage, type VerifiedRound } from "@fedclair/runs";
import { verifyWith, type RoundsChoice } from "../api/verify.js";
import type { TrustOptions } from "../trust/allow-code.js";

export interface VerifyRunOptions extends TrustOptions {
  /** Default: 5 %. */
  readonly rounds?: RoundsChoice;
  /** Seed of the draw. Default: one that nobody knows before. */
  readonly seed?: number;
  readonly json: boolean;
}

/**
 * `fedclair verify RUN`: runs a random choice of a run's rounds again, and compares their bytes
 * with the stored ones. Sets exit code 4 if they differ.
 * @throws UserError as `verify`
 */
export async function verifyRun(folder: string, options: VerifyRunOptions): Promise<void> {
  const { rounds, seed, json } = options;
  const verification = await verifyWith(folder, options, {
    rounds,
    seed,
    signal: interruption.signal,
    log: (line) => process.stderr.write(`${wrapMessage(line, process.stderr)}\n`),
  });
  const { compared, differing } = verification;
  if (differing.length > 0) process.exitCode = exitCodes.unexpected;
  if (json) {
    print(JSON.stringify(verification) + "\n");
    return;
  }
  for (const one of differing) {
    const { place, arm, round, keys } = one;
    const more = keys.length > 3 ? ` and ${keys.length - 3} more` : "";
    const verb = isShorter(one) ? "lacks" : "differs in";
    print(`${place}: ${arm}, round ${round} ${verb} ${keys.slice(0, 3).join(", ")}${more}\n`);
  }
  const equal = compared.length - differing.length;
  print(`${equal} of ${countNoun(compared.length, "compared round")} identical, byte for byte\n`);
}

/** Does the stored record only lack fields, and is equal otherwise? */
function isShorter({ keys, missing }: VerifiedRound): boolean {
  return keys.length === missing.length;
}

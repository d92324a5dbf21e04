import { randomInt } from "node:crypto";
import { join } from "node:path";
import { exitCodes, UserError } from "@fedclair/core/errors";
import { readPythonClients } from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import {
  verifyRounds,
  checkSummary,
  chooseTrialBackend,
  countNoun,
  countRoundsToRun,
  interruption,
  prepareTrial,
  print,
  rejectExternalClients,
  type VerifiedRound,
} from "@fedclair/runs";
import { openPlace } from "../processes/open-place.js";
import { requireFinished } from "../results/show.js";
import { loadAllowedPlugins, type TrustOptions } from "../trust/allow-code.js";
import { backendOf } from "./backend-of.js";

/** A number of rounds, or a share of them. */
export type RoundsChoice = { readonly count: number } | { readonly share: number };

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
 * @throws UserError if the run cannot be repeated here, its files have changed, or it names code
 *   that may not run
 */
export async function verifyRun(folder: string, options: VerifyRunOptions): Promise<void> {
  const { info, summary } = await requireFinished(folder, "verify");
  const file = join(folder, "trial.yaml");
  const prepared = await prepareTrial(file, [], loadAllowedPlugins(options));
  if (readPythonClients(prepared.trial))
    throw new UserError(
      `'${file}': its clients run in Python, and verify repeats runs of simulated clients`,
    );
  rejectExternalClients(file, prepared, folder);
  const { total, final } = await checkSummary(folder, prepared, summary);
  const seed = options.seed ?? randomInt(2 ** 32);
  const rounds = drawRounds(total, options.rounds ?? { share: 0.05 }, seed);
  const toRun = await countRoundsToRun(folder, rounds);
  process.stderr.write(
    `comparing ${rounds.length} of ${countNoun(total, "round")}, drawn with seed ${seed}; ${countNoun(toRun, "round")} to run\n`,
  );
  const backend = chooseTrialBackend([prepared], backendOf({ info }));
  const { pool, server } = openPlace(prepared, backend.name);
  const differing: VerifiedRound[] = [];
  try {
    const { signal } = interruption;
    await pool.ready(signal);
    const verification = { folder, prepared, rounds, final, pool, server, signal };
    for await (const compared of verifyRounds(verification)) {
      if (compared.keys.length > 0) differing.push(compared);
    }
  } finally {
    await Promise.all([pool.close(), server?.close()]);
  }
  if (differing.length > 0) process.exitCode = exitCodes.unexpected;
  if (options.json) {
    print(JSON.stringify({ rounds: total, compared: rounds, run: toRun, seed, differing }) + "\n");
    return;
  }
  for (const one of differing) {
    const { place, arm, round, keys } = one;
    const more = keys.length > 3 ? ` and ${keys.length - 3} more` : "";
    const verb = isShorter(one) ? "lacks" : "differs in";
    print(`${place}: ${arm}, round ${round} ${verb} ${keys.slice(0, 3).join(", ")}${more}\n`);
  }
  const equal = rounds.length - differing.length;
  print(`${equal} of ${countNoun(rounds.length, "compared round")} identical, byte for byte\n`);
}

/** Does the stored record only lack fields, and is equal otherwise? */
function isShorter({ keys, missing }: VerifiedRound): boolean {
  return keys.length === missing.length;
}

/** Draws distinct rounds from 1 to `total`, at least one, in ascending order. */
export function drawRounds(total: number, choice: RoundsChoice, seed: number): number[] {
  const wanted = "count" in choice ? choice.count : Math.round(choice.share * total);
  const all = Array.from({ length: total }, (_, i) => i + 1);
  return stream(seed)
    .at("attest")
    .sample(all, Math.min(total, Math.max(1, wanted)))
    .sort((a, b) => a - b);
}

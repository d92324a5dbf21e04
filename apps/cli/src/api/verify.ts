import { randomInt } from "node:crypto";
import { join } from "node:path";
import { UserError } from "@fedclair/core/errors";
import { readPythonClients } from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import {
  verifyRounds,
  checkData,
  checkSummary,
  chooseTrialBackend,
  countNoun,
  countRoundsToRun,
  prepareTrial,
  rejectExternalClients,
  type VerifiedRound,
} from "@fedclair/runs";
import { backendOf } from "../check/backend-of.js";
import { inPlace, openPlace } from "../processes/open-place.js";
import { requireFinished } from "../results/show.js";
import { loadAllowedPlugins } from "../trust/allow-code.js";

/** A number of rounds, or a share of them. */
export type RoundsChoice = { readonly count: number } | { readonly share: number };

/** How to verify a run from a program. */
export interface VerifyOptions {
  /** The rounds to draw; the last one of the main arm is always compared. Default: 5 %. */
  readonly rounds?: RoundsChoice | undefined;
  /** Seed of the draw. Default: one that nobody knows before. */
  readonly seed?: number | undefined;
  /**
   * Run all code that the folder names, also what this user has not run before? Default: such code
   * is rejected.
   */
  readonly trust?: boolean;
  /** Modules of plug-ins that may run, besides those that this user has run before. */
  readonly plugins?: readonly string[];
  /** Stops the verification when it aborts. */
  readonly signal?: AbortSignal;
  /** Called with lines that report progress. */
  readonly log?: (line: string) => void;
}

/** What came of running rounds again. */
export interface Verification {
  /** Rounds of the run, over all arms. */
  readonly rounds: number;
  /** The rounds that were drawn, and the last one of the main arm. */
  readonly compared: readonly number[];
  /** Number of rounds that were run again, to get to these. */
  readonly run: number;
  readonly seed: number;
  /** Rounds whose bytes differ; empty if all are identical. */
  readonly differing: readonly VerifiedRound[];
}

/**
 * Runs a random choice of a run's rounds again, and compares their bytes with the stored ones.
 * @throws UserError if the run cannot be repeated here, its files have changed, or it names code
 *   that may not run
 */
export async function verify(folder: string, options: VerifyOptions = {}): Promise<Verification> {
  const { plugins = [], trust = false } = options;
  return await verifyWith(folder, { plugins, trust, asks: false }, options);
}

/** Verifies a run like `verify`. @param allowed which code may run */
export async function verifyWith(
  folder: string,
  allowed: Parameters<typeof loadAllowedPlugins>[0],
  options: Omit<VerifyOptions, "plugins" | "trust">,
): Promise<Verification> {
  const { signal = new AbortController().signal, log } = options;
  const stored = await requireFinished(folder, "verify");
  const { info, summary } = stored;
  const file = join(folder, "trial.yaml");
  const prepared = await prepareTrial(file, [], loadAllowedPlugins(allowed));
  if (readPythonClients(prepared.trial))
    throw new UserError(
      `'${file}': its clients run in Python, and verify repeats runs of simulated clients`,
    );
  rejectExternalClients(file, prepared, folder);
  await checkData(stored, prepared);
  const { total, final } = await checkSummary(folder, prepared, summary);
  const seed = options.seed ?? randomInt(2 ** 32);
  const drawn = drawRounds(total, options.rounds ?? { share: 0.05 }, seed);
  // The final params are compared after the last round of the main arm.
  const ofParams = final > 0 ? [final] : [];
  const rounds = [...new Set([...drawn, ...ofParams])].sort((a, b) => a - b);
  const run = await countRoundsToRun(folder, rounds);
  log?.(
    `comparing ${rounds.length} of ${countNoun(total, "round")}: the last one, and others drawn with seed ${seed}; ${countNoun(run, "round")} to run`,
  );
  const backend = chooseTrialBackend([prepared], backendOf({ info }));
  const differing: VerifiedRound[] = [];
  await inPlace(openPlace(prepared, backend.name), async ({ pool, server }) => {
    await pool.ready(signal);
    const verification = { folder, prepared, rounds, final, pool, server, signal };
    for await (const compared of verifyRounds(verification)) {
      if (compared.keys.length > 0) differing.push(compared);
    }
  });
  return { rounds: total, compared: rounds, run, seed, differing };
}

/** Draws distinct rounds from 1 to `total`, at least one. */
function drawRounds(total: number, choice: RoundsChoice, seed: number): number[] {
  const wanted = "count" in choice ? choice.count : Math.round(choice.share * total);
  const all = Array.from({ length: total }, (_, i) => i + 1);
  return stream(seed)
    .at("attest")
    .sample(all, Math.min(total, Math.max(1, wanted)));
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { deserialize, serialize } from "node:v8";
import {
  type ClientPool,
  type PreparedTrial,
  type TrialState,
  type WatchedServer,
} from "@fedclair/core/internal";
import { leafValues } from "../words/leaf-values.js";
import { runTrial, startArms, type ArmProgress } from "./run-trial.js";
import {
  checkpointName,
  listCheckpointRounds,
  readCheckpointAt,
  type Position,
} from "../store/checkpoint.js";
import { storedRounds, type StoredRound } from "../store/record-chain.js";
import { encodeRound, type EncodedRound } from "../store/encode-round.js";
import { loadStored } from "../store/load-stored.js";
import { holdsParams, paramsFile } from "../store/params-file.js";

/** Arguments for running rounds of a run again. */
interface Verification {
  readonly folder: string;
  /** The trial of the run. */
  readonly prepared: PreparedTrial;
  /** The rounds to compare, counted over all arms from 1, in ascending order. */
  readonly rounds: readonly number[];
  /** The last round of the main arm, which may have stopped before the trial's end. */
  readonly final: number;
  readonly pool: ClientPool;
  readonly server?: WatchedServer | undefined;
  readonly signal: AbortSignal;
  /** Called after every round that was run again. */
  readonly onRound?: (() => void) | undefined;
}

/** A round that was run again. */
export interface VerifiedRound {
  /** Where the run stored the record. */
  readonly place: string;
  readonly arm: string;
  readonly round: number;
  /**
   * The keys in which the stored record differs, and the files with another state than the one
   * after this round; empty if all are equal.
   */
  readonly keys: readonly string[];
  /** Keys that the stored record lacks altogether; `keys` has them too. */
  readonly missing: readonly string[];
}

/**
 * Runs rounds of a run again, each from the last checkpoint before it, and compares their records
 * and artifacts with the stored ones, byte for byte, and the state after them with the checkpoint
 * and the final params, where the run has these. Only the backend of the run repeats its
 * numbers.
 * @throws UserError if a round cannot be run or read
 */
export async function* verifyRounds(verification: Verification): AsyncGenerator<VerifiedRound> {
  const { folder, rounds, final } = verification;
  const wanted = new Set(rounds);
  const again = new Rounds(verification, await listCheckpointRounds(folder));
  let number = 0;
  try {
    for await (const stored of storedRounds(folder)) {
      if (!wanted.has(++number)) continue;
      const { arm, event } = await again.run(number);
      const own = encodeRound(arm, event);
      const { record } = own;
      const { place } = stored.record;
      const { keys, missing } = compareRecords(stored, own);
      const hasOtherParams = number === final && !(await holdsParams(folder, event.state));
      const files = [
        ...(await listOtherCheckpoints(folder, number, event.state)),
        ...(hasOtherParams ? [paramsFile] : []),
      ];
      yield { place, arm: record.arm, round: record.round, keys: [...keys, ...files], missing };
    }
  } finally {
    await again.close();
  }
}

/** Returns how many rounds `verifyRounds` runs to compare the given ones. */
export async function countRoundsToRun(folder: string, rounds: readonly number[]): Promise<number> {
  const checkpoints = await listCheckpointRounds(folder);
  let total = 0;
  let at = 0;
  for (const number of rounds) {
    at = Math.max(at, lastBefore(checkpoints, number));
    total += number - at;
    at = number;
  }
  return total;
}

/** @param checkpoints numbers of rounds, the highest first */
function lastBefore(checkpoints: readonly number[], number: number): number {
  return checkpoints.find((count) => count < number) ?? 0;
}

type RoundEvent = ArmProgress & { readonly event: { readonly kind: "round" } };

/** Runs rounds in ascending order, and starts from a checkpoint where that saves rounds. */
class Rounds {
  readonly #verification: Verification;
  readonly #checkpoints: readonly number[];
  #running: AsyncGenerator<ArmProgress> | undefined;
  #done = 0;

  constructor(verification: Verification, checkpoints: readonly number[]) {
    this.#verification = verification;
    this.#checkpoints = checkpoints;
  }

  /** @param number of the round over all arms, higher than in the call before */
  async run(number: number): Promise<RoundEvent> {
    const from = lastBefore(this.#checkpoints, number);
    if (this.#running === undefined || from > this.#done) {
      await this.close();
      this.#running = await this.#start(from);
      this.#done = from;
    }
    for (;;) {
      const step = await this.#running.next();
      if (step.done === true) throw new Error(`the trial ends after ${this.#done} rounds`);
      if (step.value.event.kind !== "round") continue;
      this.#verification.onRound?.();
      if (++this.#done === number) return step.value as RoundEvent;
    }
  }

  async close(): Promise<void> {
    await this.#running?.return(undefined);
  }

  async #start(from: number): Promise<AsyncGenerator<ArmProgress>> {
    const { folder, prepared, pool, server, signal } = this.#verification;
    const checkpoint = from > 0 ? await readCheckpointAt(folder, from) : undefined;
    const start = checkpoint?.start ?? (await startArms(prepared, pool, signal, server));
    const position: Position = { arm: 0, ...checkpoint, start };
    return runTrial(prepared, pool, signal, position, { server });
  }
}

/** Lists the keys in which a stored record differs, and those of them that it lacks. */
function compareRecords(
  stored: StoredRound,
  own: EncodedRound,
): { readonly keys: readonly string[]; readonly missing: readonly string[] } {
  if (stored.lines === own.line + own.artifacts) return { keys: [], missing: [] };
  const then = new Map(leafValues(stored.record.read()));
  const now = new Map(leafValues(own.record));
  const keys = [...new Set([...then.keys(), ...now.keys()])];
  const differing = keys.filter((key) => then.get(key) !== now.get(key));
  if (differing.length === 0) return { keys: ["artifacts"], missing: [] };
  return { keys: differing, missing: differing.filter((key) => !then.has(key)) };
}

/** Returns the name of the checkpoint after a round if it has another state. */
async function listOtherCheckpoints(
  folder: string,
  number: number,
  state: TrialState,
): Promise<string[]> {
  const name = checkpointName(number);
  if (!existsSync(join(folder, name))) return [];
  const { state: stored } = await readCheckpointAt(folder, number);
  // The checkpoint after the last round of an arm has no state.
  if (stored === undefined || isDeepStrictEqual(stored, copyAsStored(state))) return [];
  return [name];
}

/** A copy of a state as a checkpoint returns it. */
function copyAsStored(state: TrialState): unknown {
  return deserialize(serialize(loadStored(state)));
}

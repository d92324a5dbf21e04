import { cp, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/internal";
import {
  systemErrorCode,
  Lock,
  lockFile,
  makeFolder,
  readState,
  syncFolder,
  syncTree,
  writeState,
} from "@fedclair/runs";
import { z } from "zod";
import { stepStateSchema, type StepState } from "./run-step.js";

/** The state that a round inherits from the rounds before it. */
interface FolderState {
  /** The state after the last step; absent before the first round. */
  readonly step?: StepState;
  /** Fingerprint of the adapters of the last round; absent before the first round. */
  readonly fingerprint?: string;
  /**
   * Folder with the last adapters, `global` and `personal/<client>`; absent before the first round.
   */
  readonly handedOut?: string;
  /**
   * True if the next step was killed after all its files were written. Its adapters may be in
   * place.
   */
  readonly isPrepared: boolean;
}

/** The state file, next to the folder `round-<n>` with the last adapters. */
const stateFile = "memory.state";
const handedOutFolder = (folder: string, round: number) => join(folder, `round-${round}`);

const rulesSchema = z.strictObject({
  aggregator: z.looseObject({ name: z.string() }),
  seed: z.int(),
  /** True if adapters are merged into the base after every round, so that they start at zero. */
  merged: z.boolean(),
  /** The code of an external aggregator. */
  code: z.strictObject({ version: z.string(), hash: z.string() }).optional(),
});

/** Settings that must stay the same from round to round. */
export type Rules = z.output<typeof rulesSchema>;

const schema = z.strictObject({
  step: stepStateSchema,
  fingerprint: z.string(),
  rules: rulesSchema,
});

/**
 * Runs one step while holding the state's lock, so that no other process uses the same state.
 * @param folder undefined: there is no state
 * @throws UserError with the process that holds the lock
 */
export async function withStateLock<T>(
  folder: string | undefined,
  step: () => Promise<T>,
): Promise<T> {
  if (folder === undefined) return await step();
  const isNewFolder = await makeFolder(folder);
  const lock = await Lock.acquire(folder);
  try {
    return await step();
  } finally {
    await lock.release();
    if (isNewFolder) await rmdir(folder).catch(() => undefined); // still empty if the step failed
  }
}

/**
 * Reads the state.
 * @param folder undefined: every round is the first
 * @throws UserError if the folder holds something else, or a state with different rules
 */
export async function readFolderState(
  folder: string | undefined,
  rules: Rules,
): Promise<FolderState> {
  if (folder === undefined) return { isPrepared: false };
  const file = join(folder, stateFile);
  const prepared = await readState(`${file}.new`).catch(() => undefined);
  const isPrepared = (before: number) => schema.safeParse(prepared).data?.step.round === before + 1;
  const first = { isPrepared: isPrepared(0) };
  const advice = "choose another folder";
  const value = await readState(file).catch(async (error: unknown) => {
    const code = systemErrorCode(error);
    if (code === "ENOENT" && (await isNew(folder))) return first;
    const what =
      code === "ENOENT"
        ? `'${folder}' holds other things and no state`
        : `'${file}' is no state of fedclair aggregate (${errorMessage(error)})`;
    throw new UserError(`--state: ${what}: ${advice}`);
  });
  if (value === first) return first;
  const { data } = schema.safeParse(value);
  if (data === undefined) {
    throw new UserError(`--state: '${file}' is no state of fedclair aggregate: ${advice}`);
  }
  const [then, now] = [data.rules.aggregator.name, rules.aggregator.name];
  const differing =
    then === now ? listDifferences(data.rules, rules) : [`aggregator ${then} then, ${now} now`];
  if (differing.length > 0) {
    throw new UserError(
      `--state: '${folder}' was begun otherwise: ${differing.join(", ")}; say the same, or begin another state`,
    );
  }
  const { step, fingerprint } = data;
  const handedOut = handedOutFolder(folder, step.round);
  return { step, fingerprint, handedOut, isPrepared: isPrepared(step.round) };
}

/** Lists the keys that differ, for example `rule "gap" then, "evidence" now`. */
function listDifferences(then: Rules, now: Rules): string[] {
  const flat = ({ aggregator, ...rest }: typeof then) =>
    new Map(Object.entries<unknown>({ ...aggregator, ...rest }));
  const [was, is] = [flat(then), flat(now)];
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((key) => ({
      key,
      texts: [was, is].map((of) =>
        of.get(key) === undefined ? "none" : JSON.stringify(of.get(key)),
      ),
    }))
    .filter(({ texts: [x, y] }) => x !== y)
    .map(({ key, texts: [x = "", y = ""] }) => `${key} ${x} then, ${y} now`);
}

/** Is the folder empty, apart from files of a first step that did not end? */
async function isNew(folder: string): Promise<boolean> {
  const entries = await readdir(folder).catch(() => []);
  const own = [basename(handedOutFolder(folder, 1)), `${stateFile}.new`, `${stateFile}.new.part`];
  return entries.every((name) => own.includes(name) || name.startsWith(lockFile));
}

/**
 * Writes the new state next to the old one.
 * @param out folder with the new adapters; clients that did not take part keep their last adapters
 * @returns a function that replaces the old state with the new one by a rename
 */
export async function prepareState(
  folder: string,
  rules: Rules,
  before: FolderState,
  after: Required<Pick<FolderState, "step" | "fingerprint">>,
  out: string,
): Promise<() => Promise<void>> {
  const file = join(folder, stateFile);
  await rm(`${file}.new`, { force: true });
  // Remove the files of a step that was killed, or the old adapters if it was killed at its very
  // end.
  for (const name of await readdir(folder)) {
    const isStale = name.startsWith("round-") && join(folder, name) !== before.handedOut;
    if (isStale) await rm(join(folder, name), { recursive: true });
  }
  const next = handedOutFolder(folder, after.step.round);
  if (before.handedOut !== undefined) await cp(before.handedOut, next, { recursive: true });
  for (const part of ["global", "personal"]) {
    await cp(join(out, part), join(next, part), { recursive: true }).catch((error: unknown) => {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    });
  }
  await syncTree(next);
  await writeState(`${file}.new`, { ...after, rules });
  return async () => {
    await rename(`${file}.new`, file);
    await syncFolder(folder);
    if (before.handedOut !== undefined) await rm(before.handedOut, { recursive: true });
  };
}

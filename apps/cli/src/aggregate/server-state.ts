import { cp, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { UserError } from "@fedclair/core";
import { errorMessage, type PluginChoice, type PluginIdentity } from "@fedclair/core/internal";
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

/** What a server step knows of the steps before it. */
export interface ServerState {
  /** Rounds done. */
  readonly round: number;
  /** What the aggregator remembers. */
  readonly aggregator: unknown;
  /** Of the adapters that came in last; absent before the first round. */
  readonly fingerprint?: string;
  /** The adapters that were handed out last, `global` and `personal/<client>`; absent before the first round. */
  readonly handedOut?: string;
  /** The next step was killed when all of it was written, and perhaps its adapters in place already. */
  readonly isPrepared: boolean;
}

/** What must stay the same from round to round. */
export interface Rules {
  readonly aggregator: PluginChoice;
  readonly seed: number;
  /** Are adapters merged into the base after every round, so that they begin at zero? */
  readonly merged: boolean;
  /** Of an aggregator from outside. */
  readonly code?: Pick<PluginIdentity, "version" | "hash"> | undefined;
}

/** Beside the adapters that were handed out, `round-<n>`. */
const stateFile = "memory.state";
const handedOutIn = (folder: string, round: number) => join(folder, `round-${round}`);

const schema = z.strictObject({
  round: z.int().min(1),
  fingerprint: z.string(),
  rules: z.strictObject({
    aggregator: z.looseObject({ name: z.string() }),
    seed: z.int(),
    merged: z.boolean(),
    code: z.strictObject({ version: z.string(), hash: z.string() }).optional(),
  }),
  aggregator: z.unknown(),
});

/**
 * Does one step, while no other process does one on the same state.
 * @param folder absent: there is no state
 * @throws UserError naming the process that is at work on it
 */
export async function holdingState<T>(
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
    if (isNewFolder) await rmdir(folder).catch(() => undefined); // of a step that came to nothing
  }
}

/**
 * @param folder absent: every round is the first
 * @throws UserError if the folder holds something else, or a state made by other rules
 */
export async function stateIn(folder: string | undefined, rules: Rules): Promise<ServerState> {
  if (folder === undefined) return { round: 0, aggregator: undefined, isPrepared: false };
  const file = join(folder, stateFile);
  const prepared = await readState(`${file}.new`).catch(() => undefined);
  const isPrepared = (before: number) => schema.safeParse(prepared).data?.round === before + 1;
  const first = { round: 0, aggregator: undefined, isPrepared: isPrepared(0) };
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
    then === now ? differences(data.rules, rules) : [`aggregator ${then} then, ${now} now`];
  if (differing.length > 0) {
    throw new UserError(
      `--state: '${folder}' was begun otherwise: ${differing.join(", ")}; say the same, or begin another state`,
    );
  }
  const { round, aggregator, fingerprint } = data;
  const handedOut = handedOutIn(folder, round);
  return { round, aggregator, fingerprint, handedOut, isPrepared: isPrepared(round) };
}

/** `rule: "gap" then, "evidence" now`, for every key that differs. */
function differences(then: z.output<typeof schema>["rules"], now: Rules): string[] {
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

/** Is there nothing but what a first step leaves that did not end? */
async function isNew(folder: string): Promise<boolean> {
  const entries = await readdir(folder).catch(() => []);
  const own = [basename(handedOutIn(folder, 1)), `${stateFile}.new`, `${stateFile}.new.part`];
  return entries.every((name) => own.includes(name) || name.startsWith(lockFile));
}

/**
 * Writes the state after a round beside the state before.
 * @param out the adapters that this round hands out; clients that took no part keep what they were handed last
 * @returns puts it in place of the state before, by a renaming
 */
export async function prepareState(
  folder: string,
  rules: Rules,
  before: ServerState,
  after: Required<Pick<ServerState, "round" | "fingerprint">> & Pick<ServerState, "aggregator">,
  out: string,
): Promise<() => Promise<void>> {
  const file = join(folder, stateFile);
  await rm(`${file}.new`, { force: true });
  // Of a step that was killed; of one that was so at its very end, the adapters before.
  for (const name of await readdir(folder)) {
    const isStale = name.startsWith("round-") && join(folder, name) !== before.handedOut;
    if (isStale) await rm(join(folder, name), { recursive: true });
  }
  const next = handedOutIn(folder, after.round);
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

import { cp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { UserError, type PluginChoice } from "@fedclair/core";
import { makeFolder } from "@fedclair/runs";
import { z } from "zod";
import { sync } from "./whole-folder.js";

/** What a server step knows of the steps before it. */
export interface ServerState {
  /** Rounds done. */
  readonly round: number;
  /** What the aggregator remembers. */
  readonly aggregator: unknown;
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
}

/** Beside the adapters that were handed out, `round-<n>`. */
const stateFile = "state.v8";
const handedOutIn = (folder: string, round: number) => join(folder, `round-${round}`);

const schema = z.strictObject({
  format: z.literal(1),
  round: z.int().min(1),
  rules: z.strictObject({
    aggregator: z.looseObject({ name: z.string() }),
    seed: z.int(),
    merged: z.boolean(),
  }),
  aggregator: z.unknown(),
});

/**
 * @param folder absent: every round is the first
 * @throws UserError if the folder holds something else, or a state made by other rules
 */
export async function readState(folder: string | undefined, rules: Rules): Promise<ServerState> {
  if (folder === undefined) return { round: 0, aggregator: undefined, isPrepared: false };
  const file = join(folder, stateFile);
  const prepared = await readFile(`${file}.new`).then(valueOf, () => undefined);
  const isPrepared = (before: number) => schema.safeParse(prepared).data?.round === before + 1;
  const first = { round: 0, aggregator: undefined, isPrepared: isPrepared(0) };
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" && (await isNew(folder))) return first;
    if (code === "ENOENT") {
      throw new UserError(
        `--state: '${folder}' holds other things and no state: choose a new folder`,
      );
    }
    throw new UserError(`--state: cannot read '${file}': ${String(code)}`);
  }
  const { data } = schema.safeParse(valueOf(bytes));
  if (data === undefined) {
    throw new UserError(
      `--state: '${file}' is no state of fedclair aggregate: choose another folder`,
    );
  }
  const [then, now] = [data.rules.aggregator.name, rules.aggregator.name];
  const differing =
    then === now ? differences(data.rules, rules) : [`aggregator ${then} then, ${now} now`];
  if (differing.length > 0) {
    throw new UserError(
      `--state: '${folder}' was begun otherwise: ${differing.join(", ")}; say the same, or begin another state`,
    );
  }
  return {
    round: data.round,
    aggregator: data.aggregator,
    handedOut: handedOutIn(folder, data.round),
    isPrepared: isPrepared(data.round),
  };
}

/** `rule: "gap" then, "evidence" now`, for every key that differs. */
function differences(then: z.output<typeof schema>["rules"], now: Rules): string[] {
  const flat = ({ aggregator, ...rest }: typeof then) =>
    new Map(Object.entries<unknown>({ ...aggregator, ...rest }));
  const [was, is] = [flat(then), flat(now)];
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((key) => ({
      key,
      texts: [was, is].map((of) => (of.has(key) ? JSON.stringify(of.get(key)) : "none")),
    }))
    .filter(({ texts: [x, y] }) => x !== y)
    .map(({ key, texts: [x = "", y = ""] }) => `${key} ${x} then, ${y} now`);
}

/** Is there nothing but what a first step leaves that did not end? */
async function isNew(folder: string): Promise<boolean> {
  const entries = await readdir(folder).catch(() => []);
  return entries.every(
    (name) => name === basename(handedOutIn(folder, 1)) || name === `${stateFile}.new`,
  );
}

function valueOf(bytes: Buffer): unknown {
  try {
    return deserialize(bytes) as unknown;
  } catch {
    return undefined;
  }
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
  { round, aggregator }: Pick<ServerState, "round" | "aggregator">,
  out: string,
): Promise<() => Promise<void>> {
  await makeFolder(folder);
  const file = join(folder, stateFile);
  await rm(`${file}.new`, { force: true });
  // Of a step that was killed; of one that was so at its very end, the adapters before.
  for (const name of await readdir(folder)) {
    const isStale = name.startsWith("round-") && join(folder, name) !== before.handedOut;
    if (isStale) await rm(join(folder, name), { recursive: true });
  }
  const next = handedOutIn(folder, round);
  if (before.handedOut !== undefined) await cp(before.handedOut, next, { recursive: true });
  for (const part of ["global", "personal"]) {
    await cp(join(out, part), join(next, part), { recursive: true }).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    });
  }
  await sync(next);
  await writeFile(`${file}.new`, serialize({ format: 1, round, rules, aggregator }));
  await sync(`${file}.new`);
  return async () => {
    await rename(`${file}.new`, file);
    if (before.handedOut !== undefined) await rm(before.handedOut, { recursive: true });
  };
}

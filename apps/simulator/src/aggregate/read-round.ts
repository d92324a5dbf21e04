import { stat } from "node:fs/promises";
import { join } from "node:path";
import { factorsOf, lowRankOf, stackFactors } from "@fedclair/aggregators";
import { UserError, type LowRank, type Update } from "@fedclair/core";
import { configFile } from "../adapters/peft-config.js";
import { findAdapters } from "../adapters/find-adapters.js";
import { openAdapter, readPair, type Adapter } from "../adapters/peft.js";
import { formFaults, numberFault } from "../adapters/unfit.js";

/** What the clients of a round sent. */
export interface SentRound {
  /** Those that can be aggregated, by client. */
  readonly adapters: ReadonlyMap<string, Adapter>;
  /** Their changes since what each was handed. */
  readonly updates: readonly Update[];
  /** What each of these clients began with; nothing where adapters begin at zero. */
  readonly starts: ReadonlyMap<string, Pairs>;
  /** Why others cannot be aggregated, by client. */
  readonly faults: ReadonlyMap<string, string>;
}

/** By module. */
export type Pairs = ReadonlyMap<string, LowRank>;

/**
 * Reads the adapters of one round: a folder a client, whose name is the client's.
 * @param handedOut what clients began with; undefined: at zero
 * @param examples by client; one each by default
 * @throws UserError where no adapter can be read, or `examples` lacks one
 */
export async function readRound(
  folder: string,
  handedOut: string | undefined,
  examples: ReadonlyMap<string, number> | undefined,
): Promise<SentRound> {
  const { adapters: found } = await findAdapters([folder]);
  const opened = new Map<string, Adapter>();
  const faults = new Map<string, string>();
  for (const { name, folder: own } of found) {
    try {
      opened.set(name, await openAdapter(own));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      faults.set(name, error.message);
    }
  }
  for (const [name, fault] of formFaults(opened)) faults.set(name, fault);
  const adapters = new Map<string, Adapter>();
  const updates: Update[] = [];
  const starts = new Map<string, Pairs>();
  for (const [name, adapter] of opened) {
    if (faults.has(name)) continue;
    const sent = pairsOf(adapter);
    const fault = [...sent].map((entry) => numberFault(...entry)).find((one) => one !== undefined);
    if (fault !== undefined) {
      faults.set(name, fault);
      continue;
    }
    const start =
      handedOut === undefined ? new Map<string, LowRank>() : await startOf(handedOut, name);
    adapters.set(name, adapter);
    starts.set(name, start);
    updates.push({
      clientId: name,
      numExamples: examplesOf(name, examples),
      delta: new Map([...sent].map(([module, pair]) => [module, since(pair, start.get(module))])),
      metrics: {},
    });
  }
  const [first] = faults.values();
  if (updates.length === 0) {
    throw new UserError(
      `none of ${found.length} adapters can be aggregated; the first: ${first ?? ""}`,
    );
  }
  return { adapters, updates, starts, faults };
}

/** What a client was handed: its own adapter, or the one for all. */
async function startOf(handedOut: string, client: string): Promise<Pairs> {
  for (const folder of [join(handedOut, "personal", client), join(handedOut, "global")]) {
    const isThere = await stat(join(folder, configFile)).then(
      () => true,
      () => false,
    );
    if (isThere) return pairsOf(await openAdapter(folder));
  }
  throw new UserError(`--state: '${handedOut}' has no adapter that was handed to '${client}'`);
}

/** All modules of an adapter, the scale in B. */
export function pairsOf({ modules }: Adapter): Map<string, LowRank> {
  return new Map([...modules].map(([module, pair]) => [module, readPair(pair)]));
}

/** B·A less what it was, exactly, as a pair of both ranks. */
function since(pair: LowRank, start: LowRank | undefined): LowRank {
  if (start === undefined) return pair;
  return lowRankOf(stackFactors([pair, start].map(factorsOf), [1, -1]));
}

function examplesOf(client: string, examples: ReadonlyMap<string, number> | undefined): number {
  if (examples === undefined) return 1;
  const count = examples.get(client);
  if (count !== undefined) return count;
  throw new UserError(`--examples: no number for '${client}'`);
}

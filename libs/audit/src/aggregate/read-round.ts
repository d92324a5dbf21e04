import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { inSharedMemory } from "@fedclair/clair";
import { readNumbers, UserError, type LowRank, type Update } from "@fedclair/core";
import { countNoun } from "@fedclair/runs";
import { findClients } from "../adapters/find-clients.js";
import { openAdapters } from "../adapters/open-adapters.js";
import { configFile } from "../adapters/peft-config.js";
import {
  openAdapter,
  readScaledPair,
  readChanges,
  type Adapter,
  type PairInFile,
} from "../adapters/peft.js";
import { findNumberFault } from "../adapters/adapter-faults.js";

/** The adapters that the clients of a round have sent. */
export interface SentRound {
  /** Adapters that can be aggregated, by client. */
  readonly adapters: ReadonlyMap<string, Adapter>;
  /** The changes of these adapters since each client's start. */
  readonly updates: readonly Update[];
  /** The adapter that each client started from; empty if adapters start at zero. */
  readonly starts: ReadonlyMap<string, Adapter>;
  /** The last `global` adapter. */
  readonly globalStart: Adapter | undefined;
  /** The reasons why the other adapters cannot be aggregated, by client. */
  readonly faults: ReadonlyMap<string, string>;
  /** A hash of the adapters in `adapters`; differs from round to round. */
  readonly fingerprint: string;
}

/**
 * Reads the adapters of one round: one folder per client, named after the client. Links and
 * adapters in deeper folders are refused.
 * @param handedOut folder with the adapters that clients started from; undefined: they start at
 * zero
 * @param examples number of examples by client, without which a client is refused; default: 1 each
 * @throws UserError if no adapter can be aggregated
 */
export async function readRound(
  folder: string,
  handedOut: string | undefined,
  examples: ReadonlyMap<string, number> | undefined,
): Promise<SentRound> {
  const found = await findClients(folder);
  const { opened, faults } = await openAdapters(found.clients);
  for (const [name, fault] of found.faults) faults.set(name, fault);
  const globalStart =
    handedOut === undefined ? undefined : await openIfPresent(join(handedOut, "global"));
  const adapters = new Map<string, Adapter>();
  const updates: Update[] = [];
  const starts = new Map<string, Adapter>();
  const hash = createHash("sha256");
  for (const [name, adapter] of opened) {
    const sent = readChanges(adapter);
    const numExamples = examples === undefined ? 1 : examples.get(name);
    const fault = adapter.config.use_dora
      ? "it uses DoRA: its weights are more than base + B·A, and their magnitudes cannot be averaged so"
      : numExamples === undefined
        ? noExamples
        : [...sent].map((entry) => findNumberFault(...entry)).find((one) => one !== undefined);
    if (fault !== undefined || numExamples === undefined) {
      faults.set(name, fault ?? noExamples);
      continue;
    }
    // The client's own adapter or else `global`; undefined for a new client if there is no
    // `global`.
    const own =
      handedOut === undefined ? undefined : await openIfPresent(join(handedOut, "personal", name));
    const start = own ?? globalStart;
    adapters.set(name, adapter);
    hash.update(JSON.stringify(name));
    for (const { b, a } of sent.values()) hash.update(readNumbers(b)).update(readNumbers(a));
    if (start) starts.set(name, start);
    const delta = [...sent].map(([module, pair]): [string, LowRank] => {
      return [module, inSharedMemory(subtractStart(pair, start?.modules.get(module)))];
    });
    updates.push({ clientId: name, numExamples, delta: new Map(delta), metrics: {} });
  }
  const [first] = faults.values();
  if (updates.length === 0) {
    throw new UserError(
      `none of ${countNoun(faults.size, "client")} can be aggregated; the first: ${first ?? ""}`,
    );
  }
  const fingerprint = hash.digest("hex");
  return { adapters, updates, starts, globalStart, faults, fingerprint };
}

/** A stranger's folder must not end the round of all others. */
const noExamples = "no number for it in the file of --examples: add one";

async function openIfPresent(folder: string): Promise<Adapter | undefined> {
  const isThere = await stat(join(folder, configFile)).then(
    () => true,
    () => false,
  );
  return isThere ? openAdapter(folder) : undefined;
}

/** Computes B·A − B'·A' = [B B']·[A; −A'], exact, with the sum of both ranks. */
function subtractStart(pair: LowRank, before: PairInFile | undefined): LowRank {
  if (before === undefined) return pair;
  const start = readScaledPair(before);
  const [rows = 0, r = 0] = pair.b.shape;
  const [, s = 0] = start.b.shape;
  const [, columns = 0] = pair.a.shape;
  const b = new Float32Array(rows * (r + s));
  for (let i = 0; i < rows; i++) {
    b.set(readNumbers(pair.b).subarray(i * r, (i + 1) * r), i * (r + s));
    b.set(readNumbers(start.b).subarray(i * s, (i + 1) * s), i * (r + s) + r);
  }
  const a = new Float32Array((r + s) * columns);
  a.set(readNumbers(pair.a));
  a.set(
    readNumbers(start.a).map((x) => -x),
    r * columns,
  );
  return { b: { shape: [rows, r + s], data: b }, a: { shape: [r + s, columns], data: a } };
}

import { rmSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  candidateKinds,
  oneLine,
  refinementKinds,
  type CandidateKind,
} from "@fedclair/core/internal";
import { item, sum } from "@fedclair/linalg";
import { atATime } from "@fedclair/runs";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import type { MeasuredAdapter } from "../audit-schema.js";
import { openAdapter, readChanges, writeAdapter } from "../adapters/peft.js";
import { evaluate, type EvaluateCommand } from "./evaluate-command.js";
import { writeRefined, type RefinedWriter } from "./write-refined.js";

export interface MeasureOptions {
  readonly command: EvaluateCommand;
  /** How long the command may take for one adapter. */
  readonly timeoutSeconds: number;
  /** How many commands run at a time. */
  readonly jobs: number;
  /** Ends the commands when it aborts. */
  readonly signal: AbortSignal;
  /** Called before the first command and after each. */
  readonly onProgress?: (done: number, all: number) => void;
}

/**
 * Writes the candidate with the lowest loss for every pooled adapter. The candidates are in a
 * temporary folder, `<candidate>/<name>`, and `own` is the adapter's own folder.
 * @throws UserError if the command fails for a candidate; nothing is written then
 */
export async function createMeasuringWriter(
  folder: string,
  adapters: readonly AdapterFolder[],
  options: MeasureOptions,
): Promise<RefinedWriter> {
  const temporary = await mkdtemp(join(tmpdir(), "fedclair-refine-"));
  const removeNow = () => {
    rmSync(temporary, { recursive: true, force: true });
  };
  process.once("exit", removeNow);
  const discarded = new Map<string, number>();
  const names = new Set<string>();
  const pathOf = (kind: CandidateKind, { name, folder: original }: AdapterFolder) =>
    kind === "own" ? resolve(original) : join(temporary, kind, name);
  return {
    request: {
      kinds: refinementKinds,
      undecided: true,
      take: async (kind, refined) => {
        await writeRefined(join(temporary, kind), adapters, refined);
        for (const [name, own] of refined) {
          names.add(name);
          discarded.set(join(kind, name), own.discarded);
        }
      },
    },
    finish: async () => {
      const tried = adapters.filter(({ name }) => names.has(name));
      const measured = await measureAll(tried, pathOf, options);
      for (const [k, { name, chosen }] of measured.entries()) {
        const to = join(folder, name);
        const from = item(tried, k);
        if (chosen === "own") {
          const adapter = await openAdapter(from.folder);
          await writeAdapter(to, adapter, readChanges(adapter));
        } else await cp(pathOf(chosen, from), to, { recursive: true });
      }
      const lost = measured.flatMap(({ name, chosen }) => discarded.get(join(chosen, name)) ?? []);
      return {
        folder,
        adapters: tried.length,
        versions: [],
        unchanged: measured.flatMap(({ name, chosen }) => (chosen === "own" ? [name] : [])),
        discarded: sum(lost) / Math.max(1, lost.length),
        evaluation: { command: options.command.text, adapters: measured },
      };
    },
    close: async () => {
      // After an interruption the comparison may still write until the process exits.
      if (!options.signal.aborted) process.off("exit", removeNow);
      await rm(temporary, { recursive: true, force: true });
    },
  };
}

async function measureAll(
  adapters: readonly AdapterFolder[],
  pathOf: (kind: CandidateKind, adapter: AdapterFolder) => string,
  { command, timeoutSeconds, jobs, signal, onProgress = () => undefined }: MeasureOptions,
): Promise<MeasuredAdapter[]> {
  const failed = new AbortController();
  const limits = { timeoutSeconds, signal: AbortSignal.any([signal, failed.signal]) };
  const trials = adapters.flatMap((adapter) => candidateKinds.map((kind) => ({ adapter, kind })));
  let done = 0;
  onProgress(done, trials.length);
  const running = atATime(
    trials.map(({ adapter, kind }) => async () => {
      const what = `${kind} of '${oneLine(adapter.name)}'`;
      const loss = await evaluate(command, pathOf(kind, adapter), what, limits);
      onProgress(++done, trials.length);
      return loss;
    }),
    jobs,
  );
  try {
    const losses = await Promise.all(running);
    return adapters.map(({ name }, k) => {
      const first = k * candidateKinds.length;
      return choose(name, losses.slice(first, first + candidateKinds.length));
    });
  } catch (error) {
    failed.abort();
    await Promise.allSettled(running);
    throw error;
  }
}

/** Chooses the lowest loss, and the adapter itself if no candidate has a lower one. */
function choose(name: string, losses: readonly number[]): MeasuredAdapter {
  const chosen = item(candidateKinds, losses.indexOf(Math.min(...losses)));
  const byKind = candidateKinds.map((kind, i) => {
    const loss = item(losses, i);
    return [kind, Number.isFinite(loss) ? loss : null] as const;
  });
  return { name, losses: Object.fromEntries(byKind) as MeasuredAdapter["losses"], chosen };
}

import { join, resolve } from "node:path";
import { stat } from "node:fs/promises";
import { excerpt, UserError } from "@fedclair/core";
import { z } from "zod";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import type { Reading } from "../audit-schema.js";
import { runLimited } from "../refine/run-limited.js";

export interface ReadOptions {
  /** The folder of the base model. */
  readonly base: string;
  /** An interpreter of Python that has the package fedclair with its extra `peft`. */
  readonly python: string;
  readonly timeoutSeconds: number;
}

interface Progress {
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, all: number) => void;
}

/** The share of the time in which adapters are read; the rest is for what follows from them. */
const readingShare = 0.8;

/** Longest line of the program: texts of a few hundred adapters. */
const longestLine = 1 << 24;

const one = z.object({
  tokens: z.array(z.object({ text: z.string(), lift: z.number() })).default([]),
  goesOn: z.array(z.string()).default([]),
  why: z.string().exactOptional(),
});
const message = z.union([
  z.object({ done: z.int() }),
  z.object({ readings: z.record(z.string(), one) }),
]);

/**
 * Runs the base model with each adapter on a few neutral contexts, and reports what each says more
 * often than the others: `fedclair.read_adapters` of the Python package.
 * @throws UserError if the base is no folder, or Python fails or takes too long
 */
export async function readAdapters(
  adapters: readonly AdapterFolder[],
  { base, python, timeoutSeconds }: ReadOptions,
  { signal, onProgress }: Progress,
): Promise<Reading> {
  const folder = resolve(base);
  if (!(await stat(join(folder, "config.json")).catch(() => undefined))?.isFile()) {
    throw new UserError(
      `--read: expected the folder of a base model, with its config.json, got '${excerpt(base)}'`,
    );
  }
  const paths = adapters.map((adapter) => resolve(adapter.folder));
  const limit = `${readingShare * timeoutSeconds}`;
  let rest = "";
  let readings: Readonly<Record<string, z.output<typeof one>>> | undefined;
  onProgress?.(0, paths.length);
  const failed = await runLimited({
    file: python,
    args: ["-m", "fedclair.read_adapters", folder, "--seconds", limit],
    input: JSON.stringify(paths),
    timeoutSeconds,
    timeoutOption: "--read-timeout",
    signal,
    onOutput: (text) => {
      const lines = (rest + text).slice(-longestLine).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const read = parse(line);
        if (read === undefined) continue;
        if ("done" in read) onProgress?.(read.done, paths.length);
        else readings = read.readings;
      }
    },
    fail: (how) =>
      new UserError(
        `--read: ${python}: ${how}\n  It needs a Python with fedclair[peft]; --python names another.`,
      ),
  });
  const found = readings;
  if (found === undefined) throw failed("expected readings on stdout, got none");
  return {
    base,
    adapters: adapters.map(({ name }, k) => {
      const { why, ...reading } = found[paths[k] ?? ""] ?? { tokens: [], goesOn: [] };
      if (reading.tokens.length > 0) return { name, ...reading };
      return { name, ...reading, why: why ?? "Python did not report it" };
    }),
  };
}

/** Libraries may print lines of their own. @returns undefined for those */
function parse(line: string): z.output<typeof message> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return message.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

import type { z } from "zod";
import { readText } from "./regular-file.js";

/** The most bytes of a summary or a sweep, which has a few hundred bytes for each measure. */
const mostBytes = 64 * 2 ** 20;

/** Reads a JSON file. Returns undefined if it cannot be read or has another shape. */
export function readJson<T>(
  file: string,
  shape: z.ZodType<T>,
  maxBytes = mostBytes,
): T | undefined {
  try {
    return shape.safeParse(JSON.parse(readText(file, maxBytes))).data;
  } catch {
    return undefined;
  }
}

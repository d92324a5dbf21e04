import type { z } from "zod";
import { isConfined, readText } from "./regular-file.js";

/** The most bytes of a summary or a sweep, which has a few hundred bytes for each measure. */
const mostBytes = 64 * 2 ** 20;

/** The most bytes for the live page, which is busy with them for up to a second. */
const mostServedBytes = 16 * 2 ** 20;

/** Reads a JSON file. Returns undefined if it cannot be read or has another shape. */
export function readJson<T>(
  file: string,
  shape: z.ZodType<T>,
  maxBytes = isConfined() ? mostServedBytes : mostBytes,
): T | undefined {
  try {
    return shape.safeParse(JSON.parse(readText(file, maxBytes))).data;
  } catch {
    return undefined;
  }
}

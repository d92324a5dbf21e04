import { readFile } from "node:fs/promises";

/*
 * The shipped bases: the weights of `model.ts` by name and in their layout (in×out), one file per
 * size of vocabulary. `npm run lab -- pretrain` writes them.
 */

/**
 * Returns the file of a base.
 * @param vocabulary number of tokens without the separator
 */
export function baseFile(vocabulary: number): URL {
  return new URL(`${import.meta.resolve("#task-assets")}/text-copy-${vocabulary}.safetensors`);
}

/** Reads the file of a base. */
export async function readBase(vocabulary: number): Promise<Uint8Array> {
  return await readFile(baseFile(vocabulary));
}

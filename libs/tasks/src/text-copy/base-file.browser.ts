import { fetchTabData } from "../data/tab-data.browser.js";

/** Fetches the file of a base. */
export function readBase(vocabulary: number): Promise<Uint8Array> {
  return fetchTabData(`text-copy-${vocabulary}.safetensors`);
}

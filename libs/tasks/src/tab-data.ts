import { encodeSafetensors } from "@fedclair/core";
import { readMnist } from "./digits/data.js";
import { pixels } from "./digits/images.js";
import { addresses } from "./text-copy/documents.js";

/**
 * Reads the data that tasks fetch from a registry, for browser tabs, which cannot: they ask the
 * coordinator by these names. Everything in it is published anyway.
 */
export const tabData: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  async mnist() {
    const { images, labels } = await readMnist();
    return encodeSafetensors(
      new Map([
        ["images", { shape: [labels.length, pixels], data: Float32Array.from(images) }],
        ["labels", { shape: [labels.length], data: Float32Array.from(labels) }],
      ]),
    );
  },
  async sotu() {
    return new TextEncoder().encode(JSON.stringify(await addresses.read()));
  },
};

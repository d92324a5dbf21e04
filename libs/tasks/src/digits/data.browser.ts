import { decodeSafetensors } from "@fedclair/core";
import { fetchTabData, unreachable } from "../data/tab-data.browser.js";
import { classes, pixels, type Collection } from "./images.js";
import type { DigitsOptions } from "./options.js";

/** Reads MNIST, as the coordinator reads it. @throws UserError for files and folders */
export async function readSource(source: DigitsOptions["source"]): Promise<Collection> {
  if (source !== "mnist") throw unreachable(source.file ?? source.folder ?? "");
  const { params } = decodeSafetensors(await fetchTabData("mnist"));
  const [images, labels] = ["images", "labels"].map((name) => params.get(name)?.data ?? []);
  return {
    images: Float32Array.from(images ?? []),
    labels: Int32Array.from(labels ?? []),
    pixels,
    classes,
  };
}

/** In Node.js, the number of writers in a folder. MNIST has none. */
export function countWriters(source: DigitsOptions["source"]): number | undefined {
  return source === "mnist" ? 0 : undefined;
}

/** In Node.js, a notice about files that are not read. */
export function noticeFiles(): string | undefined {
  return undefined;
}

/** In Node.js, MNIST if it has been fetched. A tab draws no figures. */
export function readCachedMnist(): Promise<Collection | undefined> {
  return Promise.resolve(undefined);
}

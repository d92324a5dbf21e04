import { fetchTabData, unreachable } from "../data/tab-data.browser.js";
import type { Document, Library } from "./library.js";

/** The presidential addresses, as the coordinator reads them. */
export const addresses: Library = {
  title: "the State of the Union corpus",
  count: () => 43,
  async read() {
    const text = new TextDecoder().decode(await fetchTabData("sotu"));
    return JSON.parse(text) as readonly Document[];
  },
};

/** In Node.js, a library of the texts in a folder. @throws UserError always */
export function textFolder(folder: string): Library {
  throw unreachable(folder);
}

// The curves of consistency.js for many clients.
import { measureSettings } from "./consistency.js";

/** @param {string} _out @param {import("./decompose.js").Options} options */
export function measure(_out, options) {
  return measureSettings([{ clients: 80 }, { clients: 160 }], options);
}

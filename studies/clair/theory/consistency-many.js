// The curves of consistency.js for many clients.
import { measureSettings } from "./consistency.js";

/** @param {string} _out @param {{ seeds?: number }} options */
export function measure(_out, { seeds = 200 } = {}) {
  return measureSettings([{ clients: 80 }, { clients: 160 }], seeds);
}

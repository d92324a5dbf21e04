// The curves of consistency.js for other numbers of clients and other noise.
import { measureSettings } from "./consistency.js";

const settings = [{ clients: 10 }, { clients: 40 }, { noise: 0.005 }, { noise: 0.08 }];

/** @param {string} _out @param {import("./decompose.js").Options} options */
export function measure(_out, options) {
  return measureSettings(settings, options);
}

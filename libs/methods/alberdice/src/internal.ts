/* What a bench of this repository times beside the task: an agent's turn. */
export { environmentOf } from "./environment.js";
export { initialNetworks } from "./network/networks.js";
export { compressSamples } from "./network/samples.js";
export { takeTurn } from "./network/train.js";

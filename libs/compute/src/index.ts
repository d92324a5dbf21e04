export { type BackendChoice, type BackendName } from "./backend-choices.js";
export {
  backendsFor,
  chooseBackend,
  loadBackend,
  currentBackend,
  type Backend,
} from "./backend.js";
export { Floats, unreleasedFloats } from "./floats.js";
export { Linear } from "./linear.js";
export { Adam, descend, relu } from "./optimiser-steps.js";

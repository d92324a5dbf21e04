export {
  backendChoices,
  backendsFor,
  chooseBackend,
  loadBackend,
  loadedBackend,
  type Backend,
  type BackendChoice,
  type BackendName,
} from "./backend.js";
export { Floats, heldFloats } from "./floats.js";
export { Linear } from "./linear.js";
export { Adam, descend, relu } from "./steps.js";

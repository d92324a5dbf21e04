export {
  backendChoices,
  backendsFor,
  chooseBackend,
  loadBackend,
  currentBackend,
  type Backend,
  type BackendChoice,
  type BackendName,
} from "./backend.js";
export { Floats, unreleasedFloats } from "./floats.js";
export { Linear } from "./linear.js";
export { Adam, descend, relu } from "./steps.js";

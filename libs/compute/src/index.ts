export {
  backendChoices,
  loadBackend,
  type Backend,
  type BackendChoice,
  type BackendName,
} from "./backend.js";

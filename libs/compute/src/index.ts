export {
  backendChoices,
  backendsFor,
  chooseBackend,
  loadBackend,
  type Backend,
  type BackendChoice,
  type BackendName,
} from "./backend.js";

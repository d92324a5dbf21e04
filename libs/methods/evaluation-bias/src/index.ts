export { evaluationBias as default } from "./task.js";

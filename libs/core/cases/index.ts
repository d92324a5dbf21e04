export { runCases, type CaseFormat } from "./formats.js";
export {
  asFields,
  isFields,
  asList,
  jsonToMatrix,
  asNumber,
  jsonToTensor,
  type Fields,
} from "./json.js";
export { kindsFormat, type KindHandler } from "./kinds.js";
export { Report, type Mismatch, type Outcome, type Tolerance } from "./report.js";

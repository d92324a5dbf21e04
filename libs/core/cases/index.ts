export { runCases, type CaseFormat } from "./formats.js";
export {
  fieldsOf,
  isFields,
  listOf,
  matrixOfJson,
  numberOf,
  tensorOfJson,
  type Fields,
} from "./json.js";
export { kindsFormat, type KindHandler } from "./kinds.js";
export { Report, type Mismatch, type Outcome, type Tolerance } from "./report.js";

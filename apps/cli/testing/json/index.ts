/* The schemas of what the commands print with --json and of the logs of a run. */
export { jsonOutputs } from "./outputs.js";
export { recordSchema, timingSchema } from "./records.js";

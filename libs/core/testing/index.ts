export { describeClientPool, type MakePool } from "./pool-conformance.js";
export { toyParams, toyPlugins, toyTrial } from "./toy.js";

export { describeAggregator, sumTerms, type AggregatorSetting } from "./aggregator-conformance.js";
export { describeAttack, type AttackSetting } from "./attack-conformance.js";
export { playAttack, twoPhases } from "./attack-rounds.js";
export { anyUpdate, applyAttack } from "./attacked.js";
export { describeMod, type ModSetting } from "./mod-conformance.js";
export { oneHost, play, prepare, type Played } from "./play.js";
export { describeClientPool, type MakePool } from "./pool-conformance.js";
export { describeTask, type TaskSetting } from "./task-conformance.js";
export { toyParams, toyPlugins, toyTrial } from "./toy.js";

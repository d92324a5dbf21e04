/*
 * What others share with the tasks of this package: `@fedclair/tasks/shared`. The root has only
 * their loaders, as every program loads it.
 */
export { splitRows } from "./data/client-rows.js";
export {
  clientColumn,
  noOwnData,
  sourcePaths,
  tableSource,
  type TableSource,
} from "./data/own-data.js";
export type { Table } from "./data/table-builder.js";
export { numbers, readTable, sortNames, texts, type ClientTable } from "./data/table.js";
export { readMnist } from "./digits/data.js";
export { lineLayer, referenceLayer } from "./curve-layers.js";
export { LeastSquares } from "./linear-regression/least-squares.js";
export { Mulberry32 } from "./mulberry32.js";
export { Float64Adam, type AdamState } from "./nets/float64-adam.js";
export { ownPartition, partitionChoice } from "./partition/options.js";
export { shuffleSamples } from "./partition/shuffle-samples.js";

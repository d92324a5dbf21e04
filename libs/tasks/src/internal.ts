/* What the studies, benches and scripts of this repository need beside the tasks. */
export { packageFolder } from "./data/npm-package.js";
export { readFolder } from "./digits/data.js";
export { holdings, reserve } from "./digits/holdings.js";
export { choose } from "./digits/images.js";
export { measure } from "./perceptron/training.js";
export { baseFile } from "./text-copy/base-file.js";
export { encodeWeights } from "./text-copy/base.js";
export { addresses } from "./text-copy/documents.js";
export { createTextCopy } from "./text-copy/index.js";
export { pretrain, pretrainSteps } from "./text-copy/pretrain.js";
export { syntheticCorpus } from "./text-copy/synthetic.js";

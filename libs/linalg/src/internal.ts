/* What the benches of this repository time beside the public functions. */
export { toBlock } from "./block.js";
export { addProduct } from "./product.js";

/* Layers on the float32 kernels of `@fedclair/compute`: `@fedclair/tasks/nets`. */
export { Dense } from "./dense.js";
export { Network } from "./network.js";

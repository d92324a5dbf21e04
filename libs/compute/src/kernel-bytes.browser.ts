import kernelBytes from "#compute.wasm";

/*
 * The kernels as the bundler puts them into the script, for the condition `browser` of
 * package.json.
 */
export { kernelBytes };

// The entry `@fedclair/compute/choices`: a command line offers backends without loading one.

/** TensorFlow's own library, WebAssembly with SIMD, and plain JavaScript. */
const backendNames = ["tensorflow", "wasm", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];

/**
 * The choices for a backend. `auto` is the value of FEDCLAIR_BACKEND, or else the installed backend
 * that is faster for the trial's task.
 */
export const backendChoices = ["auto", ...backendNames] as const;
export type BackendChoice = (typeof backendChoices)[number];

import type * as TensorFlow from "@tensorflow/tfjs-core";
import { addLayers } from "./wasm-layers.js";
import { replaceMatMul } from "./wasm-matmul.js";

/** `auto` takes the first of the others that runs here: TensorFlow's own library, WebAssembly with SIMD, plain JavaScript. */
export const backendChoices = ["auto", "tensorflow", "wasm", "cpu"] as const;
export type BackendChoice = (typeof backendChoices)[number];
export type BackendName = Exclude<BackendChoice, "auto">;

export interface Backend {
  readonly tf: typeof TensorFlow;
  readonly name: BackendName;
  /** For people: which backend runs, and why this one, as "wasm (SIMD): @tensorflow/tfjs-node is not installed". */
  readonly reason: string;
}

let loading: Promise<Backend> | undefined;

/**
 * Loads the TensorFlow.js backend of this process, once: later calls return the same one. A process keeps to one
 * backend, because TensorFlow.js has a single active one and results are bit-equal only within a backend.
 * @throws Error when the chosen backend does not run here, or another one already runs in this process
 */
export async function loadBackend(choice: BackendChoice = "auto"): Promise<Backend> {
  // A failed choice is not kept: the next call may choose another.
  loading ??= load(choice).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  const backend = await loading;
  if (choice !== "auto" && choice !== backend.name) {
    throw new Error(
      `backend "${choice}" was asked for, but this process already runs "${backend.name}": start another process`,
    );
  }
  return backend;
}

async function load(choice: BackendChoice): Promise<Backend> {
  // Not before: a program that only prints its help has no use for it.
  const tf = await import("@tensorflow/tfjs-core");
  const candidates = choice === "auto" ? (["tensorflow", "wasm", "cpu"] as const) : [choice];
  const failures: string[] = [];
  for (const name of candidates) {
    const failure = await start(tf, name);
    if (failure === undefined) {
      const why = choice === "auto" ? failures.join("; ") || "the fastest" : "as asked for";
      return { tf, name, reason: `${title(tf, name)}: ${why}` };
    }
    failures.push(failure);
  }
  throw new Error(`no TensorFlow.js backend "${choice}" here: ${failures.join("; ")}`);
}

/** @returns why the backend does not run, or undefined when it is now the active one */
async function start(tf: typeof TensorFlow, name: BackendName): Promise<string | undefined> {
  // A variable, for the compiler would look for the types of an optional package that need not be there.
  const module: string = {
    tensorflow: "@tensorflow/tfjs-node",
    wasm: "@tensorflow/tfjs-backend-wasm",
    cpu: "@tensorflow/tfjs-backend-cpu",
  }[name];
  try {
    await import(module);
    if (await tf.setBackend(name)) {
      if (name === "wasm") {
        replaceMatMul(tf);
        addLayers(tf);
      }
      return undefined;
    }
    return `${name} did not start`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === "ERR_MODULE_NOT_FOUND" && message.includes(`'${module}'`);
    return `${module} ${missing ? "is not installed" : `failed to load (${message})`}`;
  }
}

function title(tf: typeof TensorFlow, name: BackendName): string {
  if (name !== "wasm") return name;
  return tf.env().getBool("WASM_HAS_SIMD_SUPPORT") ? "wasm (SIMD)" : "wasm (no SIMD)";
}

import type * as TensorFlow from "@tensorflow/tfjs-core";
import { explainAbsence, formatLoadFault, findLoadFault, restoreUtil } from "#tensorflow-library";
import { backendChoices, type BackendChoice, type BackendName } from "./backend-choices.js";
import { addLayers } from "./wasm-layers.js";
import { replaceMatMul } from "./wasm-matmul.js";

/** The backends that may be the faster one for a task. */
type FastBackend = Exclude<BackendName, "cpu">;

export interface Backend {
  readonly tf: typeof TensorFlow;
  readonly name: BackendName;
  /**
   * A sentence about the backend and the reason for it, for example "wasm (SIMD): as asked for".
   */
  readonly reason: string;
}

interface Choice {
  readonly name: BackendName;
  readonly why: string;
}

let chosen: Choice | undefined;
let loading: Promise<Backend> | undefined;
let loaded: Backend | undefined;

/** The backend of this process, if it is loaded. */
export function currentBackend(): Backend | undefined {
  return loaded;
}

/**
 * Chooses the backend that this process loads when a task needs one. Call it before that.
 * @param faster the faster backend for the work of the process, which `auto` uses if it is
 * installed and loads
 * @returns the chosen backend, and a sentence with the reason
 * @throws Error if FEDCLAIR_BACKEND is invalid, or TensorFlow's library is requested by name and
 * not available
 */
export function chooseBackend(choice: BackendChoice, faster: FastBackend = "wasm"): Choice {
  const one = findRequested(choice);
  if (one?.name === "tensorflow") throwIfUnavailable(explainAbsence() ?? findLoadFault());
  chosen = one ?? chooseAutomatically(faster);
  return chosen;
}

/**
 * The installed backends of this process, for a trial with this choice.
 * @throws Error if FEDCLAIR_BACKEND is invalid, or TensorFlow's library is requested by name and
 * not installed
 */
export function backendsFor(choice: BackendChoice): readonly BackendName[] {
  const one = findRequested(choice);
  if (one?.name === "tensorflow") throwIfUnavailable(explainAbsence());
  if (one) return [one.name];
  return explainAbsence() === undefined ? ["wasm", "tensorflow"] : ["wasm"];
}

/**
 * Loads the TensorFlow.js backend of this process, once: later calls return the same one. A process
 * uses a single backend, because TensorFlow.js has only one active backend and results are
 * bit-equal only within a backend.
 * @param name default: the result of `chooseBackend`, or else FEDCLAIR_BACKEND, or else wasm
 * @throws Error if it does not run here, or another one already runs in this process
 */
export async function loadBackend(name?: BackendName): Promise<Backend> {
  // Do not keep a failed attempt: the next call may name another backend.
  loading ??= load(name).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  const backend = await loading;
  loaded = backend;
  if (name !== undefined && name !== backend.name) {
    throw new Error(
      `backend "${name}" was asked for, but this process already runs "${backend.name}": start another process`,
    );
  }
  return backend;
}

/** The backend that was requested by name; undefined if none was. */
function findRequested(choice: BackendChoice): Choice | undefined {
  const set = process.env["FEDCLAIR_BACKEND"] ?? "";
  const fromEnvironment = set === "" ? "auto" : set;
  const wanted = choice === "auto" ? backendChoices.find((one) => one === fromEnvironment) : choice;
  if (wanted === undefined) {
    throw new Error(
      `FEDCLAIR_BACKEND is "${fromEnvironment}": expected one of ${backendChoices.join(", ")}`,
    );
  }
  if (wanted === "auto") return undefined;
  return { name: wanted, why: choice === "auto" ? "as FEDCLAIR_BACKEND says" : "as asked for" };
}

function chooseAutomatically(faster: FastBackend): Choice {
  if (faster === "wasm") return { name: "wasm", why: "as fast as any for this task" };
  const fault = explainAbsence() ?? findLoadFault();
  if (fault === undefined) return { name: "tensorflow", why: "the faster one for this task" };
  return { name: "wasm", why: `tensorflow is faster for this task, and ${fault}` };
}

/**
 * @throws Error if there is a reason why TensorFlow's library, which was requested by name, is not
 * available
 */
function throwIfUnavailable(why: string | undefined): void {
  if (why !== undefined)
    throw new Error(`backend "tensorflow" was asked for: ${why}; or choose wasm`);
}

// In a variable, because the compiler would otherwise look for the types of an optional package.
const tensorflowPackage = "@tensorflow/tfjs-node";

/** Written out, so that a bundler for browsers finds the packages. */
const importers: Readonly<Record<BackendName, () => Promise<unknown>>> = {
  tensorflow: () => import(tensorflowPackage),
  wasm: () => import("@tensorflow/tfjs-backend-wasm"),
  cpu: () => import("@tensorflow/tfjs-backend-cpu"),
};

async function load(asked: BackendName | undefined): Promise<Backend> {
  const { name, why } = asked
    ? { name: asked, why: "as asked for" }
    : (chosen ??
      findRequested("auto") ?? { name: "wasm" as const, why: "the one that is always there" });
  if (name === "tensorflow") {
    fixEnvironment();
    restoreUtil();
  }
  // Loaded lazily: a program that only prints its help does not need it.
  const tf = await import("@tensorflow/tfjs-core");
  try {
    await importers[name]();
  } catch (error) {
    const { message } = error as Error;
    const why =
      name === "tensorflow"
        ? (explainAbsence() ?? formatLoadFault(message))
        : `@tensorflow/tfjs-backend-${name} failed to load (${message})`;
    throw new Error(`no TensorFlow.js backend "${name}" here: ${why}`, { cause: error });
  }
  // Otherwise it advertises tfjs-node, even if plain JavaScript was requested.
  if (name === "cpu") tf.enableProdMode();
  if (!(await tf.setBackend(name)))
    throw new Error(`TensorFlow.js backend "${name}" did not start`);
  if (name === "wasm") {
    replaceMatMul(tf);
    addLayers(tf);
  }
  return { tf, name, reason: `${formatTitle(tf, name)}: ${why}` };
}

/**
 * Sets the environment variables that TensorFlow's library reads when it is loaded. Training uses
 * one process per core, so each gets one thread; oneDNN changes bytes without being faster here.
 */
function fixEnvironment(): void {
  process.env["TF_NUM_INTRAOP_THREADS"] = "1";
  process.env["TF_NUM_INTEROP_THREADS"] = "1";
  process.env["TF_ENABLE_ONEDNN_OPTS"] = "0";
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2"; // only errors on the user's terminal
}

function formatTitle(tf: typeof TensorFlow, name: BackendName): string {
  if (name !== "wasm") return name;
  return tf.env().getBool("WASM_HAS_SIMD_SUPPORT") ? "wasm (SIMD)" : "wasm (no SIMD)";
}

import type * as TensorFlow from "@tensorflow/tfjs-core";
import { absence, broken, loadFault, restoreUtil } from "./tensorflow-library.js";
import { addLayers } from "./wasm-layers.js";
import { replaceMatMul } from "./wasm-matmul.js";

/** TensorFlow's own library, WebAssembly with SIMD, plain JavaScript. */
export const backendNames = ["tensorflow", "wasm", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];

/** `auto` is what FEDCLAIR_BACKEND names, else the faster one for a trial's task of those that are installed. */
export const backendChoices = ["auto", ...backendNames] as const;
export type BackendChoice = (typeof backendChoices)[number];

/** Those that a task may be faster on. */
export type FastBackend = Exclude<BackendName, "cpu">;

export interface Backend {
  readonly tf: typeof TensorFlow;
  readonly name: BackendName;
  /** For people: which backend runs, and why this one, as "wasm (SIMD): as asked for". */
  readonly reason: string;
}

interface Chosen {
  readonly name: BackendName;
  readonly why: string;
}

let chosen: Chosen | undefined;
let loading: Promise<Backend> | undefined;
let loaded: Backend | undefined;

/** The backend of this process, if it is loaded. */
export function currentBackend(): Backend | undefined {
  return loaded;
}

/**
 * Says which backend this process is to load once a task needs one. To be called before that.
 * @param faster the one that is faster for what the process is to do, which `auto` takes where it is installed and loads
 * @returns the one that it will be, and for people why
 * @throws Error when FEDCLAIR_BACKEND names none, or TensorFlow's library is asked for by name and cannot be had
 */
export function chooseBackend(choice: BackendChoice, faster: FastBackend = "wasm"): Chosen {
  const one = named(choice);
  if (one?.name === "tensorflow") refuse(absence() ?? loadFault());
  chosen = one ?? automatic(faster);
  return chosen;
}

/**
 * Those that are installed for this process, for a trial that says which.
 * @throws Error when FEDCLAIR_BACKEND names none, or TensorFlow's library is asked for by name and not installed
 */
export function backendsFor(choice: BackendChoice): readonly BackendName[] {
  const one = named(choice);
  if (one?.name === "tensorflow") refuse(absence());
  if (one) return [one.name];
  return absence() === undefined ? ["wasm", "tensorflow"] : ["wasm"];
}

/**
 * Loads the TensorFlow.js backend of this process, once: later calls return the same one. A process keeps to one
 * backend, because TensorFlow.js has a single active one and results are bit-equal only within a backend.
 * @param name default: the one that `chooseBackend` chose, else FEDCLAIR_BACKEND, else wasm
 * @throws Error when it does not run here, or another one already runs in this process
 */
export async function loadBackend(name?: BackendName): Promise<Backend> {
  // A failed one is not kept: the next call may name another.
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

/** What was asked for by name; undefined: nothing was. */
function named(choice: BackendChoice): Chosen | undefined {
  const set = process.env["FEDCLAIR_BACKEND"] ?? "";
  const fromOutside = set === "" ? "auto" : set;
  const wanted = choice === "auto" ? backendChoices.find((one) => one === fromOutside) : choice;
  if (wanted === undefined) {
    throw new Error(
      `FEDCLAIR_BACKEND is "${fromOutside}": expected one of ${backendChoices.join(", ")}`,
    );
  }
  if (wanted === "auto") return undefined;
  return { name: wanted, why: choice === "auto" ? "as FEDCLAIR_BACKEND says" : "as asked for" };
}

function automatic(faster: FastBackend): Chosen {
  if (faster === "wasm") return { name: "wasm", why: "as fast as any for this task" };
  const fault = absence() ?? loadFault();
  if (fault === undefined) return { name: "tensorflow", why: "the faster one for this task" };
  return { name: "wasm", why: `tensorflow is faster for this task, and ${fault}` };
}

/** @throws Error if there is a reason why TensorFlow's library, asked for by name, cannot be had */
function refuse(why: string | undefined): void {
  if (why !== undefined)
    throw new Error(`backend "tensorflow" was asked for: ${why}; or choose wasm`);
}

async function load(asked: BackendName | undefined): Promise<Backend> {
  const { name, why } = asked
    ? { name: asked, why: "as asked for" }
    : (chosen ?? named("auto") ?? { name: "wasm" as const, why: "the one that is always there" });
  if (name === "tensorflow") {
    fixEnvironment();
    restoreUtil();
  }
  // Not before: a program that only prints its help has no use for it.
  const tf = await import("@tensorflow/tfjs-core");
  // A variable, for the compiler would look for the types of an optional package that need not be there.
  const module: string = {
    tensorflow: "@tensorflow/tfjs-node",
    wasm: "@tensorflow/tfjs-backend-wasm",
    cpu: "@tensorflow/tfjs-backend-cpu",
  }[name];
  try {
    await import(module);
  } catch (error) {
    const { message } = error as Error;
    const why =
      name === "tensorflow"
        ? (absence() ?? broken(message))
        : `${module} failed to load (${message})`;
    throw new Error(`no TensorFlow.js backend "${name}" here: ${why}`, { cause: error });
  }
  // It advertises tfjs-node, also to who asked for plain JavaScript.
  if (name === "cpu") tf.enableProdMode();
  if (!(await tf.setBackend(name)))
    throw new Error(`TensorFlow.js backend "${name}" did not start`);
  if (name === "wasm") {
    replaceMatMul(tf);
    addLayers(tf);
  }
  return { tf, name, reason: `${title(tf, name)}: ${why}` };
}

/**
 * What TensorFlow's library reads when it is loaded. A process a core trains, so each has one thread; oneDNN changes bytes, and is
 * no faster here.
 */
function fixEnvironment(): void {
  process.env["TF_NUM_INTRAOP_THREADS"] = "1";
  process.env["TF_NUM_INTEROP_THREADS"] = "1";
  process.env["TF_ENABLE_ONEDNN_OPTS"] = "0";
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2"; // no more than errors on the user's terminal
}

function title(tf: typeof TensorFlow, name: BackendName): string {
  if (name !== "wasm") return name;
  return tf.env().getBool("WASM_HAS_SIMD_SUPPORT") ? "wasm (SIMD)" : "wasm (no SIMD)";
}

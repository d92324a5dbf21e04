/*
 * The federation of the playground. It runs in a worker, so that the page stays usable, and the
 * page ends it when the visitor chooses another setting.
 */
import { release } from "../page/release.js";
import { startWasm } from "../page/start-wasm.js";
import { play, type Report } from "./engine.js";

/** What the worker tells its page. */
export type Message =
  | Report
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly why: string };

const scope = self as unknown as {
  postMessage(message: Message): void;
  onmessage: (event: { readonly data: string }) => void;
};

scope.onmessage = ({ data: trial }) => void run(trial);

async function run(trial: string): Promise<void> {
  const post = (message: Message) => {
    scope.postMessage(message);
  };
  try {
    const backend = await startWasm();
    await play(trial, post, { version: release, backend });
    post({ kind: "ended" });
  } catch (error) {
    post({ kind: "failed", why: error instanceof Error ? error.message : String(error) });
  }
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { cleanUps } from "./afterwards.js";
import { temporaryFolder } from "./paths.js";

/** A tab of a browser with several tabs, of which the others are hidden. */
export interface BrowserTab {
  /** Runs an expression in the page. @returns its value */
  evaluate(expression: string): Promise<unknown>;
  /** Stops all of its scripts and workers, as browsers do to save energy, or lets them go on. */
  setFrozen(isFrozen: boolean): Promise<void>;
  /** Brings it to the front, which hides the tab that was there. */
  show(): Promise<void>;
}

/**
 * Starts Debian's Chromium with real tabs. Playwright makes every page believe that it is visible
 * and has the focus, so this talks to the browser itself (Chrome DevTools Protocol over a pipe).
 * @returns a function that opens a tab in front
 */
export async function startBrowserWithTabs(): Promise<(url: string) => Promise<BrowserTab>> {
  const profile = await temporaryFolder();
  const args = ["--headless=new", "--no-sandbox", "--remote-debugging-pipe"];
  const browser = spawn("/usr/bin/chromium", [...args, `--user-data-dir=${profile}`], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const ended = once(browser, "exit");
  cleanUps.push(async () => {
    browser.kill("SIGKILL");
    await ended;
  });
  const [, , , input, output] = browser.stdio as unknown as [null, null, null, Writable, Readable];
  const waiting = new Map<number, (answer: Answer) => void>();
  let text = "";
  output.setEncoding("utf8").on("data", (chunk: string) => {
    const messages = (text + chunk).split("\0");
    text = messages.pop() ?? "";
    for (const message of messages) {
      const answer = JSON.parse(message) as Answer & { readonly id?: number };
      waiting.get(answer.id ?? -1)?.(answer);
    }
  });
  let last = 0;
  const send = (method: string, params: object = {}, sessionId?: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ result, error }) => {
        waiting.delete(id);
        if (result) resolve(result);
        else reject(new Error(`${method}: ${error?.message ?? "no answer"}`));
      });
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  return async (url) => {
    const { targetId } = await send("Target.createTarget", { url: "about:blank" });
    const attached = await send("Target.attachToTarget", { targetId, flatten: true });
    const sessionId = String(attached["sessionId"]);
    const evaluate = async (expression: string) => {
      const options = { expression, returnByValue: true, awaitPromise: true };
      const { result } = await send("Runtime.evaluate", options, sessionId);
      return (result as { value?: unknown }).value;
    };
    await send("Page.navigate", { url }, sessionId);
    // Until the page is there, expressions fail or run in the one before it.
    const isThere = `location.href !== "about:blank" && document.readyState === "complete"`;
    while (url !== "about:blank" && (await evaluate(isThere).catch(() => false)) !== true)
      await setTimeout(20);
    return {
      evaluate,
      setFrozen: async (isFrozen) => {
        const state = isFrozen ? "frozen" : "active";
        await send("Page.setWebLifecycleState", { state }, sessionId);
      },
      show: async () => {
        await send("Target.activateTarget", { targetId });
      },
    };
  };
}

interface Answer {
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

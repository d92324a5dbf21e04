import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { UserError } from "@fedclair/core";
import { tooLate } from "./reading-time.js";

/** The most memory of the process, in GiB. */
export const mostGigabytes = 2;

/** Time without requests after which the process ends, in ms. */
const idleMs = 5000;

/** An answer of the process, or the message of an error that the user can fix. */
export type ReaderReply<Reply> = { readonly reply: Reply } | { readonly fault: string };

/**
 * Asks a process of its own to decode files that others may have made. It is ended if it takes too
 * long or too much memory, and the next request starts another one.
 */
export class ReaderProcess<Request extends { readonly path: string }, Reply> {
  readonly #script: URL;
  readonly #advice: string;
  #child: ChildProcess | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  /**
   * @param script calls `serveReader`
   * @param advice what the user can do about a file that takes too much memory
   */
  constructor(script: URL, advice: string) {
    this.#script = script;
    this.#advice = advice;
  }

  /**
   * Requests take turns.
   * @param signal ends the process
   * @throws UserError with the file if it cannot be read within the limits
   */
  ask(request: Request, signal: AbortSignal): Promise<Reply> {
    const answer = this.#last.then(() => this.#ask(request, signal));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #ask(request: Request, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    const child = (this.#child ??= this.#start());
    child.ref();
    child.channel?.ref();
    const end = new AbortController();
    const kill = () => child.kill("SIGKILL");
    signal.addEventListener("abort", kill);
    try {
      const until = { signal: end.signal };
      const answer = once(child, "message", until) as Promise<[ReaderReply<Reply>]>;
      const ended = once(child, "exit", until) as Promise<[number | null, string | null]>;
      answer.catch(() => undefined);
      ended.catch(() => undefined);
      child.send(request, () => undefined); // if it fails, the process has ended
      const result = await Promise.race([answer.then(([one]) => one), ended]);
      if ("reply" in result) return result.reply;
      if ("fault" in result) throw new UserError(result.fault);
      if (signal.aborted) throw tooLate(request.path);
      const [code, killer] = result;
      throw new UserError(
        `source: ${request.path}: expected to be read with at most ${mostGigabytes} GiB of memory, and it needs more (its reader ended with ${killer ?? `code ${code}`}): ${this.#advice}`,
      );
    } finally {
      signal.removeEventListener("abort", kill);
      end.abort();
      child.unref();
      child.channel?.unref();
      this.#idle = setTimeout(() => child.kill(), idleMs).unref();
    }
  }

  #start(): ChildProcess {
    const child = fork(this.#script, {
      execArgv: [`--max-old-space-size=${1024 * mostGigabytes}`],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    child.on("error", () => undefined); // it exits as well
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }
}

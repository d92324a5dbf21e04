import { createHash, timingSafeEqual } from "node:crypto";
import { pluginMismatch, printable, type Failure, type PluginIdentity } from "@fedclair/core";
import type { Join } from "./codec/host-message.js";
import { maxWordLength, protocolVersion } from "./protocol.js";

/** Names of backends and versions: they go into the log, and into what other hosts are told. */
const word = new RegExp(`^[\\w.+-]{0,${maxWordLength}}$`);

/** Decides which hosts may join. */
export class Gate {
  readonly #token: string;
  readonly #plugins: readonly PluginIdentity[];
  readonly #chosen: string | undefined;
  #backend: string | undefined;

  get backend(): string | undefined {
    return this.#backend;
  }

  /**
   * @param backend the one that hosts must compute with; by default the first host decides
   * @param plugins those from outside that hosts must have
   */
  constructor(token: string, backend: string | undefined, plugins: readonly PluginIdentity[]) {
    this.#token = token;
    this.#plugins = plugins;
    this.#chosen = this.#backend = backend;
  }

  /** Lets the next host decide on the backend: those that joined have left before they did anything. */
  forget(): void {
    this.#backend = this.#chosen;
  }

  /** @returns why the host may not join */
  refusal(join: Join): Failure | undefined {
    if (join.protocolVersion !== protocolVersion) {
      const message = `the host speaks protocol version ${join.protocolVersion}, the coordinator ${protocolVersion}: install the same release on both`;
      return { code: "PROTOCOL_VERSION", message };
    }
    if (!sameSecret(join.token, this.#token)) {
      const message = "the token is not the coordinator's: start the host with the same one";
      return { code: "BAD_TOKEN", message };
    }
    if (join.capacity < 1) {
      return { code: "MALFORMED", message: `capacity ${join.capacity}: expected at least 1` };
    }
    for (const [field, text] of [
      ["backend", join.backend],
      ["software_version", join.softwareVersion],
      ...join.plugins.flatMap((plugin) => Object.entries<string>({ ...plugin })),
    ] as const) {
      if (word.test(text)) continue;
      const wanted = `expected at most ${maxWordLength} letters, digits and any of . _ + -`;
      const message = `${field} '${printable(text, maxWordLength)}': ${wanted}`;
      return { code: "MALFORMED", message };
    }
    const mismatch = pluginMismatch(this.#plugins, join.plugins, "the host");
    if (mismatch !== undefined) {
      const advice = "start the host with --plugin and the same module";
      return { code: "PLUGIN_MISMATCH", message: `${mismatch}: ${advice}` };
    }
    this.#backend ??= join.backend;
    if (join.backend !== this.#backend) {
      const message = `the host computes with '${join.backend}', the trial with '${this.#backend}': results would not repeat; choose the same backend`;
      return { code: "BACKEND_MISMATCH", message };
    }
    return undefined;
  }
}

/** Takes the same time wherever the two differ, and whatever their lengths. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

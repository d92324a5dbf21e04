import {
  pluginMismatch,
  printable,
  type Failure,
  type PluginIdentity,
} from "@fedclair/core/internal";
import type { Join } from "../codec/host-message.js";
import {
  maxBackends,
  maxContaminations,
  maxWordLength,
  protocolVersion,
} from "../codec/protocol.js";
import type { TokenClaims } from "./signed-token.js";
import type { TokenCheck } from "./token-check.js";

/**
 * Allowed names of backends and versions: they go into the log and into messages to other hosts.
 */
const word = new RegExp(`^[\\w.+-]{0,${maxWordLength}}$`);

/**
 * The decision about a host: the claims of its signed token, if it has one, and the backend
 * that it must use; or the reason why it may not join.
 */
export type JoinDecision =
  | { readonly claims: TokenClaims | undefined; readonly backend: string }
  | { readonly refusal: Failure; readonly isGuess?: boolean };

/** What hosts of a trial must have. */
export interface HostRequirements {
  /**
   * The backend of hosts that simulate clients. By default the first of them decides, as the first
   * host that brings its own clients does for those.
   */
  readonly backend?: string;
  /** External plug-ins of hosts that simulate clients. Default: none. */
  readonly plugins?: readonly PluginIdentity[];
  /** Contaminations of data that hosts with their own clients must carry out. Default: none. */
  readonly contaminations?: readonly string[];
}

/** Decides which hosts may join a trial. */
export class JoinPolicy {
  readonly #tokens: TokenCheck;
  readonly #plugins: readonly PluginIdentity[];
  readonly #chosen: string | undefined;
  readonly #contaminations: readonly string[];
  /** One backend for the hosts that simulate clients and one for those that bring their own. */
  readonly #backends = new Map<Join["external"], string>();

  /**
   * The backends in use, for example `wasm`, `python-numpy` or `wasm and python-numpy`.
   * @param kinds the kinds of hosts for which the trial has clients; other hosts are ignored
   */
  backend(kinds: readonly Join["external"][]): string | undefined {
    const each = kinds.flatMap((external) => this.#backends.get(external) ?? []);
    return each.length === 0 ? undefined : each.join(" and ");
  }

  constructor(
    tokens: TokenCheck,
    { backend, plugins = [], contaminations = [] }: HostRequirements,
  ) {
    this.#contaminations = contaminations;
    this.#tokens = tokens;
    this.#plugins = plugins;
    this.#chosen = backend;
    this.freeBackend(false);
  }

  /**
   * Lets the next host of a kind decide on the backend, because all hosts of the kind left before
   * any work was assigned.
   */
  freeBackend(external: Join["external"]): void {
    if (external || this.#chosen === undefined) this.#backends.delete(external);
    else this.#backends.set(external, this.#chosen);
  }

  /** @param findClaims returns the claims of the host with that name that has joined */
  decide(join: Join, findClaims: (host: string) => TokenClaims | undefined): JoinDecision {
    if (join.protocolVersion !== protocolVersion) {
      const message = `the host speaks protocol version ${join.protocolVersion}, the coordinator ${protocolVersion}: install the same release on both`;
      return { refusal: { code: "PROTOCOL_VERSION", message } };
    }
    const token = this.#tokens.check(join.token);
    if ("why" in token) {
      return { refusal: { code: "BAD_TOKEN", message: token.why }, isGuess: token.isGuess };
    }
    const { claims } = token;
    const fit = this.#fit(join);
    if (typeof fit !== "string") return { refusal: fit };
    const present = claims && findClaims(claims.host);
    if (!present || present.id === claims.id) return { claims, backend: fit };
    const message = `host '${claims.host}' is here, with another token: stop it first; a broken connection is noticed within a minute`;
    return { refusal: { code: "BAD_TOKEN", message } };
  }

  /**
   * @returns the backend for a host with a valid token, or the reason why the host does not fit the
   * trial
   */
  #fit(join: Join): string | Failure {
    if (join.capacity < 1) return malformed(`capacity ${join.capacity}: expected at least 1`);
    const [first] = join.backends;
    if (first === undefined || join.backends.length > maxBackends)
      return malformed(`${join.backends.length} backends: expected 1 to ${maxBackends}`);
    if (join.contaminations.length > maxContaminations)
      return malformed(
        `${join.contaminations.length} contaminations: expected at most ${maxContaminations}`,
      );
    for (const [field, text] of [
      ...join.backends.map((backend) => ["backend", backend] as const),
      ["software_version", join.softwareVersion],
      ["instance", join.instance],
      ...join.plugins.flatMap((plugin) => Object.entries<string>({ ...plugin })),
    ] as const) {
      if (word.test(text)) continue;
      const wanted = `expected at most ${maxWordLength} letters, digits and any of . _ + -`;
      return malformed(`${field} '${printable(text, maxWordLength)}': ${wanted}`);
    }
    const wanted = join.external ? [] : this.#plugins;
    const mismatch = pluginMismatch(wanted, join.plugins, "the host");
    if (mismatch !== undefined) {
      const advice = "start the host with --plugin and the same module";
      return { code: "PLUGIN_MISMATCH", message: `${mismatch}: ${advice}` };
    }
    const missing = join.external
      ? this.#contaminations.filter((kind) => !join.contaminations.includes(kind))
      : [];
    if (missing.length > 0) {
      const known = join.contaminations
        .map((kind) => `'${printable(kind, maxWordLength)}'`)
        .join(", ");
      const message =
        `the trial contaminates the data of external clients by '${missing.join("' and '")}', and the clients of this host honour ` +
        `${known || "no attack on data"}: let them do it and declare it (contaminations, docs/python-clients.md), or choose another attack`;
      return { code: "PLUGIN_MISMATCH", message };
    }
    const backend = this.#backends.get(join.external) ?? first;
    this.#backends.set(join.external, backend);
    if (join.backends.includes(backend)) return backend;
    const others = join.external ? "the others that bring clients of their own" : "the trial";
    const own = join.backends.join("' or '");
    const message =
      `the host computes with '${own}', ${others} with '${backend}': results would not repeat; ` +
      (join.external
        ? "choose the same backend"
        : `start the host with --backend ${backend}, or the coordinator with --backend ${first}`);
    return { code: "BACKEND_MISMATCH", message };
  }
}

function malformed(message: string): Failure {
  return { code: "MALFORMED", message };
}

import { setTimeout as sleep } from "node:timers/promises";
import { getHFHubCachePath, HubApiError } from "@huggingface/hub";
import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/internal";
import { systemErrorCode } from "@fedclair/runs";

/** Where adapters with names come from. */
export interface HubOptions {
  /** Default: the variable HF_ENDPOINT, or else https://huggingface.co. */
  readonly url?: string | undefined;
  /** Default: the variable HF_TOKEN. */
  readonly token?: string | undefined;
  /** Default: the cache of Hugging Face's own libraries (HF_HUB_CACHE, HF_HOME). */
  readonly cacheFolder?: string | undefined;
  /** Uses only the cache. Default: whether the variable HF_HUB_OFFLINE is set. */
  readonly isOffline?: boolean | undefined;
}

/** A hub: what its API needs, and its cache on this machine. */
export interface Hub {
  readonly cacheFolder: string;
  readonly isOffline: boolean;
  readonly signal: AbortSignal;
  /** The parameters of every call of the API. */
  readonly access: {
    readonly hubUrl: string;
    readonly fetch: typeof fetch;
    readonly accessToken?: string;
  };
}

/** The hub cannot be reached, so only what is in the cache can be used. */
export class UnreachableHubError extends UserError {}

/** The hub answers, but it refuses or fails to serve any further request. */
export class BusyHubError extends UserError {}

/** Failed requests (429, 5xx) are tried again, unless the hub asks for a long pause. */
const [mostTries, longestPause] = [3, 30];

/** @throws UserError if the URL or the token cannot be used */
export function openHub(options: HubOptions, signal: AbortSignal): Hub {
  const { env } = process;
  const url = options.url ?? (env["HF_ENDPOINT"] || "https://huggingface.co");
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : "")) {
    throw new UserError(`--hub-url: expected a URL such as https://huggingface.co, got '${url}'`);
  }
  const token = options.token ?? env["HF_TOKEN"] ?? "";
  if (token !== "" && !/^hf_\w+$/.test(token)) {
    throw new UserError("HF_TOKEN: expected a token of the hub, which begins with hf_");
  }
  const hubUrl = url.replace(/\/+$/, "");
  return {
    cacheFolder: options.cacheFolder ?? getHFHubCachePath(),
    isOffline: options.isOffline ?? /^(1|true|yes|on)$/i.test(env["HF_HUB_OFFLINE"] ?? ""),
    signal,
    access: {
      hubUrl,
      fetch: (input, init) => fetchPatiently(hubUrl, input, { ...init, signal }),
      ...(token !== "" && { accessToken: token }),
    },
  };
}

async function fetchPatiently(hubUrl: string, ...[input, init]: Parameters<typeof fetch>) {
  for (let tries = 1; ; tries++) {
    const response = await fetch(input, init).catch((error: unknown) => {
      if (init?.signal?.aborted === true) throw error;
      const { cause } = error as { readonly cause?: unknown };
      const code = systemErrorCode(cause) ?? errorMessage(cause ?? error);
      throw new UnreachableHubError(`cannot reach ${hubUrl} (${code})`);
    });
    const { status, headers } = response;
    if (status !== 429 && status < 500) return response;
    await response.body?.cancel();
    const [, reset] = /\bt=(\d+)/.exec(headers.get("RateLimit") ?? "") ?? [];
    const pause = Number(headers.get("Retry-After") ?? reset ?? tries);
    if (tries < mostTries && pause <= longestPause) {
      await sleep(1000 * pause, undefined, init?.signal ? { signal: init.signal } : {});
      continue;
    }
    throw new BusyHubError(
      status === 429
        ? `${hubUrl} answered with 429, too many requests: try again ${pause > 0 ? `in ${pause} s` : "later"}, or set HF_TOKEN for a higher limit`
        : `${hubUrl} answered with ${status} ${mostTries} times: try again later`,
    );
  }
}

/** Calls the hub's API. Errors are turned into one line that begins with `what`. */
export async function callHub<T>(hub: Hub, what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    hub.signal.throwIfAborted();
    if (error instanceof UserError) throw error;
    throw new UserError(`${what}: ${describeFailure(hub, error)}`);
  }
}

function describeFailure({ access: { hubUrl, accessToken } }: Hub, error: unknown): string {
  if (!(error instanceof HubApiError)) {
    return `${hubUrl} did not answer as a hub does (${errorMessage(error)}): check --hub-url`;
  }
  const { statusCode } = error;
  if (statusCode === 404) return `${hubUrl} has no such model, revision or file (404)`;
  if (statusCode !== 401 && statusCode !== 403) return `${hubUrl} answered with ${statusCode}`;
  return accessToken === undefined
    ? `it does not exist, or is private or gated (${statusCode}): if you may read it, set HF_TOKEN`
    : `it does not exist, or your HF_TOKEN may not read it (${statusCode}): accept its terms on ${hubUrl}, or use another token`;
}

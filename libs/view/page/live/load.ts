import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

type Query = Readonly<Record<string, string>>;

/** Requests JSON of the server, or nothing. @throws Error with the server's answer */
export async function load<T>(path: string, query: Query, options?: RequestInit): Promise<T> {
  const search = new URLSearchParams(query).toString();
  const answer = await fetch(`${path}?${search}`, options).catch(() => {
    throw new Error("No connection to the server of this page. Trying again…");
  });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/**
 * Asks the server while a part of the page is shown. Returns its last answer, and a fault since.
 * @param version another one asks again, as another address does
 * @param pause time for which the address must rest before the server is asked, in ms
 */
export function useAnswer<T>(path: string, query: Query, version = 0, pause = 0) {
  const answer = useSignal<T | undefined>(undefined);
  const fault = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const ending = new AbortController();
    const ask = async () => {
      try {
        answer.value = await load<T>(path, query, { signal: ending.signal });
        fault.value = undefined;
      } catch (error) {
        if (!ending.signal.aborted) fault.value = faultText(error);
      }
    };
    const timer = setTimeout(() => void ask(), pause);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [path, version, ...Object.values(query)]);
  return { answer: answer.value, fault: fault.value };
}

/** Formats an error for the page. */
export function faultText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

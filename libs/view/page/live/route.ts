import { signal } from "@preact/signals";
import { formatRoute, parseRoute, type Query } from "../../src/data/routes.js";

/** What the address says. A link changes it and can be taken back; `noteChoice` replaces it. */
export const route = signal(parseRoute(location.hash));

addEventListener("hashchange", () => {
  const before = route.value;
  route.value = parseRoute(location.hash);
  const isElsewhere = before.view !== route.value.view || before.path !== route.value.path;
  if (isElsewhere) scrollTo(0, 0);
});

/** Reads a choice of the reader from the address. Returns undefined if there is none. */
export function readChoice(name: string): string | undefined {
  return route.value.query?.[name];
}

/** Notes a choice of the reader in the address; undefined or an empty text removes it. */
export function noteChoice(name: string, value: string | undefined): void {
  const { [name]: _, ...others } = route.value.query ?? {};
  const query: Query = value === undefined || value === "" ? others : { ...others, [name]: value };
  route.value = { ...route.value, query };
  history.replaceState(history.state, "", formatRoute(route.value));
}

/** The address of a client in a round of the run that is shown; without an id, of no client. */
export function clientAddress(client: string | undefined, round?: number): string {
  const { round: _, ...others } = route.value.query ?? {};
  const query: Query = round === undefined ? others : { ...others, round: String(round) };
  return formatRoute({ ...route.value, client, query });
}

/** Opens a client, or closes the one that is open. */
export function openClient(client: string | undefined, round?: number): void {
  location.hash = clientAddress(client, round);
}

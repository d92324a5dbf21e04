/** What the live page shows, as the part of its address after `#` says. Both ends use this file. */
export interface Route {
  readonly view: "list" | "run";
  /** The path of the folder whose entries are listed, or of the run. */
  readonly path: string;
  /** The id of the client of the run that is open, like `c07`. */
  readonly client?: string | undefined;
  /** What the reader has chosen: the round, the method, the order, the search. */
  readonly query?: Query;
}

/** What follows the `?` of an address. */
export type Query = Readonly<Record<string, string>>;

/** The part of a path that comes before a client's id. A folder of this name is written escaped. */
const clientPart = "client";
const escapedClientPart = "%63lient";

/** Parses the address; anything unknown is the list. @param hash begins with `#`, or is empty */
export function parseRoute(hash: string): Route {
  const [, place = "", text = ""] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash) ?? [];
  const [view, ...parts] = place.split("/");
  const query = text === "" ? {} : { query: Object.fromEntries(new URLSearchParams(text)) };
  const isOfClient = view === "run" && parts.at(-2) === clientPart;
  const path = decode(isOfClient ? parts.slice(0, -2) : parts);
  const client = isOfClient ? decode(parts.slice(-1)) : undefined;
  if (
    (view !== "run" && view !== "list") ||
    path === undefined ||
    (isOfClient && client === undefined)
  ) {
    return { view: "list", path: "", ...query };
  }
  return { view, path, ...(client !== undefined && { client }), ...query };
}

/** Formats the address of a route. */
export function formatRoute({ view, path, client, query = {} }: Route): string {
  const text = new URLSearchParams(query).toString();
  const parts = [view, encode(path)].filter((part) => part !== "");
  if (client !== undefined) parts.push(clientPart, encodeURIComponent(client));
  const place = view === "list" && path === "" ? "" : parts.join("/");
  return `#/${place}${text === "" ? "" : `?${text}`}`;
}

/** The address of a run's report, beside the page, which may lie in a folder of a site. */
export function reportAddress(path: string): string {
  return `report/${path === "" ? "" : `${encode(path)}/`}report.html`;
}

/** The address of a comparison of runs, studies or sweeps. */
export function compareAddress(paths: readonly string[]): string {
  return `compare?${new URLSearchParams(paths.map((path): [string, string] => ["run", path])).toString()}`;
}

function encode(path: string): string {
  const parts = path.split("/").map(encodeURIComponent);
  return parts.map((part) => (part === clientPart ? escapedClientPart : part)).join("/");
}

/** Returns undefined if the parts are not UTF-8. */
function decode(parts: readonly string[]): string | undefined {
  try {
    return parts.map(decodeURIComponent).join("/");
  } catch {
    return undefined;
  }
}

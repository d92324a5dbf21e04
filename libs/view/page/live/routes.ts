/** What the page shows, as the part of its address after `#` says. */
export type Route =
  | { readonly view: "list"; readonly folder: string }
  | { readonly view: "run"; readonly path: string };

/** Parses the address; anything unknown is the list. @param hash begins with `#`, or is empty */
export function parseRoute(hash: string): Route {
  const [view, ...rest] = hash.replace(/^#\/?/, "").split("/");
  if (view === "run") return { view, path: decode(rest) };
  return { view: "list", folder: view === "list" ? decode(rest) : "" };
}

/** Formats the address of a route. */
export function formatRoute(route: Route): string {
  if (route.view === "run") return `#/run/${encode(route.path)}`;
  return route.folder === "" ? "#/" : `#/list/${encode(route.folder)}`;
}

/** The address of a run's report. */
export function reportAddress(path: string): string {
  return `/report/${path === "" ? "" : `${encode(path)}/`}report.html`;
}

/** The address of a comparison of runs, studies or sweeps. */
export function compareAddress(paths: readonly string[]): string {
  return `/compare?${new URLSearchParams(paths.map((path) => ["run", path])).toString()}`;
}

function encode(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function decode(parts: readonly string[]): string {
  try {
    return parts.map(decodeURIComponent).join("/");
  } catch {
    return "";
  }
}

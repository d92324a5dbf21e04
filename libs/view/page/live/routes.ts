/** What the page shows, as the part of its address after `#` says. */
export type Route =
  | { readonly view: "list"; readonly folder: string }
  | { readonly view: "run"; readonly path: string }
  | { readonly view: "compare"; readonly paths: readonly string[] };

/** Parses the address; anything unknown is the list. @param hash begins with `#`, or is empty */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view, ...rest] = path.split("/");
  if (view === "run") return { view, path: decode(rest) };
  if (view === "compare") {
    return { view, paths: new URLSearchParams(query).getAll("run") };
  }
  return { view: "list", folder: view === "list" ? decode(rest) : "" };
}

/** Formats the address of a route. */
export function formatRoute(route: Route): string {
  if (route.view === "run") return `#/run/${encode(route.path)}`;
  if (route.view === "list") return route.folder === "" ? "#/" : `#/list/${encode(route.folder)}`;
  const query = new URLSearchParams(route.paths.map((path) => ["run", path]));
  return `#/compare?${query.toString()}`;
}

/** The address of a run's report. */
export function reportAddress(path: string): string {
  return `/report/${path === "" ? "" : `${encode(path)}/`}report.html`;
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

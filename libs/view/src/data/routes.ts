/** What the live page shows, as the part of its address after `#` says. Both ends use this file. */
export interface Route {
  readonly view: "list" | "run";
  /** The path of the folder whose entries are listed, or of the run. */
  readonly path: string;
}

/** Parses the address; anything unknown is the list. @param hash begins with `#`, or is empty */
export function parseRoute(hash: string): Route {
  const [view, ...rest] = hash.replace(/^#\/?/, "").split("/");
  if (view === "run" || view === "list") return { view, path: decode(rest) };
  return { view: "list", path: "" };
}

/** Formats the address of a route. */
export function formatRoute({ view, path }: Route): string {
  return view === "list" && path === "" ? "#/" : `#/${view}/${encode(path)}`;
}

/** The address of a run's report. */
export function reportAddress(path: string): string {
  return `/report/${path === "" ? "" : `${encode(path)}/`}report.html`;
}

/** The address of a comparison of runs, studies or sweeps. */
export function compareAddress(paths: readonly string[]): string {
  return `/compare?${new URLSearchParams(paths.map((path): [string, string] => ["run", path])).toString()}`;
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

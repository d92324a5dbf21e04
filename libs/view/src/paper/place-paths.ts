import { basename, dirname, relative, sep } from "node:path";
import { pluginIdentities, readPythonClients, type Trial } from "@fedclair/core/internal";
import type { RunInfo } from "@fedclair/runs";

/** What a run says of the files that it reads. */
interface Reader {
  readonly trial: Trial;
  readonly info: Pick<RunInfo, "data"> | undefined;
}

/**
 * Places the data and the code that runs name in the archive, so that it does not tell where they
 * are on the author's machine. The folder of the sweep file becomes the archive; what lies outside
 * of it keeps its last name.
 * @param sweepFile an absolute path; empty if a program has the sweep as an object
 * @returns the path in the archive by the path on this machine
 */
export function placePaths(
  sweepFile: string,
  runs: readonly Reader[],
): ReadonlyMap<string, string> {
  const root = sweepFile === "" ? process.cwd() : dirname(sweepFile);
  const all = runs.flatMap(({ trial, info }) => [
    ...(info?.data ?? []).map(({ path }) => path),
    ...pluginIdentities(trial).flatMap(({ module }) => module ?? []),
    ...[readPythonClients(trial)?.folder ?? []].flat(),
  ]);
  return new Map(
    all.map((path) => {
      const isInside = path === root || path.startsWith(root + sep);
      const place = isInside ? relative(root, path) : basename(path);
      return [path, place.split(sep).join("/")];
    }),
  );
}

/** Replaces texts of a value of JSON that are such paths. @param prefix put before each place */
export function replacePaths<T>(value: T, places: ReadonlyMap<string, string>, prefix = ""): T {
  const replace = (_: string, item: unknown) => {
    const place = typeof item === "string" ? places.get(item) : undefined;
    return place === undefined ? item : `${prefix}${place}`;
  };
  return JSON.parse(JSON.stringify(value), replace) as T;
}

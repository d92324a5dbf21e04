import type { TaskPlugin } from "../contracts/plugin.js";

/** Lists the keys of a trial with this task whose values are paths of data files or folders. */
export function dataPathKeys(task: Pick<TaskPlugin, "paths"> | undefined): readonly string[][] {
  const ofTask = task?.paths ?? [];
  return [...ofTask.map((path) => ["task", ...path.split(".")]), ["devices", "trace"]];
}

/** Lists the texts at a key of a trial, or of a sweep, in which a list holds several values. */
export function listTextsAt(node: unknown, keys: readonly string[]): string[] {
  if (Array.isArray(node)) return node.flatMap((item) => listTextsAt(item, keys));
  const [key, ...rest] = keys;
  if (key === undefined) return typeof node === "string" ? [node] : [];
  if (typeof node !== "object" || node === null) return [];
  return listTextsAt((node as Partial<Record<string, unknown>>)[key], rest);
}

/*
 * The tasks that a browser tab can train: `@fedclair/tasks/browser`. Nothing that it imports needs
 * Node.js, if the bundler follows the condition `browser` of package.json.
 */
import type { TaskPlugin } from "@fedclair/core";

const loaders: Readonly<Record<string, () => Promise<TaskPlugin>>> = {
  digits: async () => (await import("./digits/index.js")).digits,
  "linear-regression": async () => (await import("./linear-regression/index.js")).linearRegression,
  "text-copy": async () => (await import("./text-copy/index.js")).textCopy,
};

/** Names of the tasks that a browser tab can train. */
export const tabTaskNames: readonly string[] = Object.keys(loaders);

/** Loads a task by its name. Returns undefined if a browser tab cannot train it. */
export async function loadTabTask(name: string): Promise<TaskPlugin | undefined> {
  return await (Object.hasOwn(loaders, name) ? loaders[name]?.() : undefined);
}

import type { AggregatorPlugin, Registry, TaskPlugin } from "@fedclair/core";
import { taskNames, taskPackages } from "./task-packages.js";

export interface Tasks {
  readonly tasks: Registry<TaskPlugin>;
  /** The aggregators that the loaded tasks define. */
  readonly aggregators: Registry<AggregatorPlugin>;
}

/**
 * Loads tasks.
 * @param content the unchecked content of a trial or a sweep. A task is loaded if its name, or the
 *   name of one of its aggregators, occurs in it. All tasks are loaded if the content is absent, or
 *   if its task is unknown, so that the error can list them.
 * @param outside the names of tasks that are known and need not be loaded
 */
export async function loadTasks(
  content?: unknown,
  outside: ReadonlySet<string> = new Set(),
): Promise<Tasks> {
  const texts = textsIn(content);
  const needed = taskPackages.filter(({ tasks, aggregators }) =>
    [...tasks, ...aggregators].some((one) => texts.has(one)),
  );
  const { task } = (content ?? {}) as { readonly task?: unknown };
  const names = taskNamesIn(task);
  const isKnown = (name: string) => taskNames.includes(name) || outside.has(name);
  const isComplete = names.length > 0 && names.every(isKnown);
  const loading = (isComplete ? needed : taskPackages).map(({ load }) => load());
  const loaded = (await Promise.all(loading)).flat();
  const aggregators = loaded.flatMap((plugin) => plugin.aggregators ?? []);
  return {
    tasks: new Map(loaded.map((plugin) => [plugin.name, plugin])),
    aggregators: new Map(aggregators.map((rule) => [rule.name, rule])),
  };
}

/** The names in the key `task` of a trial; a sweep may list tasks, or names. */
function taskNamesIn(task: unknown): string[] {
  return [task].flat().flatMap((choice) => {
    const { name } = (choice ?? {}) as { readonly name?: unknown };
    return [name].flat().filter((one) => typeof one === "string");
  });
}

/** Collects every string in a value. */
function textsIn(value: unknown): Set<string> {
  if (typeof value === "string") return new Set([value]);
  if (typeof value !== "object" || value === null) return new Set();
  return new Set(Object.values(value).flatMap((one) => [...textsIn(one)]));
}

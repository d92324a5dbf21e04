import type { AggregatorPlugin, Plugins, Registry } from "@fedclair/core";
import { attacks } from "@fedclair/rules/attacks";
import { fedavg } from "@fedclair/rules/fedavg";
import { mods } from "@fedclair/rules/mods";
import { personal } from "@fedclair/rules/personal";
import { taskNames, taskPackages } from "./task-packages.js";

/**
 * Loads tasks, with the aggregators that they define, and all attacks, mods and personal methods.
 * @param content the unchecked content of a trial or a sweep. A task is loaded if its name, or the
 *   name of one of its aggregators, occurs in it. All tasks are loaded if the content is absent, or
 *   if its task is unknown, so that the error can list them.
 * @param outside the names of tasks that are known and need not be loaded
 * @param others aggregators that no task defines
 */
export async function loadTasks(
  content?: unknown,
  outside: ReadonlySet<string> = new Set(),
  others: Registry<AggregatorPlugin> = new Map(),
): Promise<Plugins> {
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
    aggregators: new Map([...others, ...aggregators.map((rule) => [rule.name, rule] as const)]),
    attacks,
    mods,
    personal,
  };
}

/** As `loadBuiltIn`, without its aggregators. */
export function loadForHost(content?: unknown, outside?: ReadonlySet<string>): Promise<Plugins> {
  return loadTasks(content, outside, new Map([[fedavg.name, fedavg]]));
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

import { createRequire } from "node:module";
import type { DefinedPlugin, TaskPlugin } from "@fedclair/core";
import { taskLoaders } from "@fedclair/tasks";

/**
 * The packages of methods that come with fedclair. Each names its plug-ins under `fedclair` in its
 * package.json, so that they can be listed without being loaded. The plug-ins are its default
 * export, as in every module of plug-ins.
 */
const methodPackages = [
  "@fedclair/alberdice",
  "@fedclair/copy-average",
  "@fedclair/evaluation-bias",
  "@fedclair/graph-learning",
  "@fedclair/value-driven-transport",
];

/** Tasks that are loaded together, with the names by which a trial can ask for them. */
interface TaskPackage {
  readonly tasks: readonly [string, ...string[]];
  /** Names of the aggregators that the tasks define. */
  readonly aggregators: readonly string[];
  readonly load: () => Promise<readonly TaskPlugin[]>;
}

const require = createRequire(import.meta.url);

function readMethod(name: string): TaskPackage {
  const { fedclair } = require(`${name}/package.json`) as {
    readonly fedclair: Pick<TaskPackage, "tasks" | "aggregators">;
  };
  const load = async () => {
    const module = (await import(name)) as {
      readonly default: DefinedPlugin<"task"> | readonly DefinedPlugin<"task">[];
    };
    return [module.default].flat();
  };
  return { ...fedclair, load };
}

/** Every built-in task, in the order of the first name of its package. */
export const taskPackages: readonly TaskPackage[] = [
  ...Object.entries(taskLoaders).map(([name, load]): TaskPackage => ({
    tasks: [name],
    aggregators: [],
    load: async () => [await load()],
  })),
  ...methodPackages.map(readMethod),
].sort((a, b) => (a.tasks[0] < b.tasks[0] ? -1 : 1));

/** Names of all built-in tasks, loaded or not. */
export const taskNames: readonly string[] = taskPackages.flatMap(({ tasks }) => tasks);

/** Names of the aggregators that built-in tasks define, loaded or not. */
export const taskAggregatorNames: readonly string[] = taskPackages.flatMap(
  ({ aggregators }) => aggregators,
);

import type { ZodObject } from "zod";
import type { DataContamination, Registry, TaskPlugin } from "./contracts.js";
import { optionsOf, type PluginChoice } from "./plugin-choice.js";

/** The kinds of contaminated data that the chosen task knows, with the schemas of their options. */
export function contaminationsOf(
  tasks: Registry<TaskPlugin>,
  choice: PluginChoice,
): ReadonlyMap<string, ZodObject> {
  return tasks.get(choice.name)?.contaminations?.(optionsOf(choice) as never) ?? new Map();
}

/**
 * The contamination with its options' defaults filled in.
 * @param known of the trial's task
 * @throws Error that says what to change when the task does not know the kind, or the options are not its own
 */
export function checkContamination(
  { kind, options }: DataContamination,
  known: ReadonlyMap<string, ZodObject>,
): DataContamination {
  const schema = known.get(kind);
  if (!schema) {
    const kinds = [...known.keys()].join(", ") || "none";
    throw new Error(`expected a kind of contaminated data that the task knows (${kinds})`);
  }
  const { data, error } = schema.safeParse(options);
  if (error) throw new Error(error.issues.map((i) => [...i.path, i.message].join(": ")).join("; "));
  return { kind, options: data };
}

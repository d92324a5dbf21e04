import type { ZodObject } from "zod";
import type { Registry, TaskPlugin } from "../contracts/plugin.js";
import type { DataContamination } from "../contracts/task.js";
import { UserError, errorMessage } from "../words/errors.js";
import { pluginOptions, type PluginChoice } from "../contracts/plugin-choice.js";
import { schemaFault } from "../words/schema-fault.js";

/**
 * The kinds of contaminated data that the chosen task knows, with the schemas of their options.
 * @throws UserError that names the task if it fails to tell
 */
export function contaminationsOf(
  tasks: Registry<TaskPlugin>,
  choice: PluginChoice,
): ReadonlyMap<string, ZodObject> {
  try {
    return tasks.get(choice.name)?.contaminations?.(pluginOptions(choice) as never) ?? new Map();
  } catch (error) {
    throw new UserError(`task '${choice.name}': its contaminations fail: ${errorMessage(error)}`);
  }
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
  const { data, error } = parsed(schema, options);
  if (error) throw new Error(error.issues.map((i) => [...i.path, i.message].join(": ")).join("; "));
  return { kind, options: data };
}

function parsed(schema: ZodObject, options: unknown) {
  try {
    return schema.safeParse(options);
  } catch (error) {
    throw new Error(schemaFault(error), { cause: error });
  }
}

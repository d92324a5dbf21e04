import type { ZodObject } from "zod";
import type { TaskPlugin } from "../contracts/plugin.js";
import type { DataContamination } from "../contracts/task.js";
import { UserError, errorMessage } from "../words/errors.js";
import { pluginOptions, type PluginChoice } from "../contracts/plugin-choice.js";
import { checkValue } from "../words/issues.js";
import { formatSchemaFault } from "../words/schema-fault.js";

/**
 * Returns the kinds of contaminated data that the task knows, with the schemas of their options.
 * @throws UserError naming the task if its `contaminations` throws
 */
export function readTaskContaminations(
  plugin: TaskPlugin,
  choice: PluginChoice,
): ReadonlyMap<string, ZodObject> {
  try {
    return plugin.contaminations?.(pluginOptions(choice) as never) ?? new Map();
  } catch (error) {
    throw new UserError(`task '${choice.name}': its contaminations fail: ${errorMessage(error)}`);
  }
}

/**
 * Checks a contamination and fills in the defaults of its options.
 * @param known the kinds that the task knows, with their schemas
 * @throws Error that says what to change if the task does not know the kind or the options
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
  const { data, faults } = parseOptions(schema, options);
  if (data === undefined) throw new Error(faults.join("; "));
  return { kind, options: data };
}

function parseOptions(schema: ZodObject, options: unknown) {
  try {
    return checkValue(schema, options);
  } catch (error) {
    throw new Error(formatSchemaFault(error), { cause: error });
  }
}

import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { UserError, type AggregatorPlugin, type DefinedPlugin } from "@fedclair/core";
import { checkPlugin, errorMessage } from "@fedclair/core/internal";

/**
 * Runs a module and reads its plug-ins.
 * @param place the description of the module in error messages
 * @param seconds allowed for `await` at its top level
 * @returns the plug-ins that it exports, including the aggregators of its tasks
 * @throws UserError if it throws, or exports something else
 */
export async function importPlugins(
  file: string,
  place: string,
  seconds = awaitSeconds,
): Promise<DefinedPlugin[]> {
  let module: { readonly default?: unknown };
  // Report errors by the lines of the module's source, which may be TypeScript.
  process.setSourceMapsEnabled(true);
  try {
    module = await importModule(file, seconds);
  } catch (error) {
    throw new UserError(
      `${place} cannot be imported: ${errorMessage(error)}${formatLine(error, file)}`,
    );
  }
  if (module.default === undefined) {
    throw new UserError(`${place} has no default export: export default definePlugin({ … })`);
  }
  // A module compiled to CommonJS has its default export one level further down.
  const exported = unwrapCommonJs(module.default);
  const values: unknown[] = Array.isArray(exported) ? exported : [exported];
  if (values.length === 0) throw new UserError(`${place} exports no plug-in: its array is empty`);
  return checkPlugins(values, place);
}

/**
 * Checks plug-ins.
 * @param place where they come from, for error messages
 * @returns the plug-ins, including the aggregators of tasks
 * @throws UserError if one of them is something else
 */
export function checkPlugins(values: readonly unknown[], place: string): DefinedPlugin[] {
  return values.flatMap((value, i) => {
    const which = values.length > 1 ? `, plug-in ${i + 1} of ${values.length}` : "";
    try {
      const plugin = checkPlugin(value);
      const rules: readonly AggregatorPlugin[] =
        plugin.kind === "task" ? (plugin.aggregators ?? []) : [];
      return [plugin, ...rules.map((rule) => checkPlugin({ ...rule, kind: "aggregator" }))];
    } catch (error) {
      throw new UserError(
        `${place}${which}: ${error instanceof Error ? error.message : errorMessage(error)}`,
      );
    }
  });
}

function unwrapCommonJs(value: unknown): unknown {
  const { __esModule, default: inner } = (value ?? {}) as {
    __esModule?: unknown;
    default?: unknown;
  };
  return __esModule === true && inner !== undefined ? inner : value;
}

/**
 * Without a time limit, Node.js would end silently if the module awaits something that never
 * resolves.
 */
async function importModule(
  file: string,
  seconds: number,
): Promise<{ readonly default?: unknown }> {
  const done = new AbortController();
  const late = delay(seconds * 1000, undefined, { signal: done.signal }).then(() => {
    throw new UserError(
      `its top level still awaits something after ${seconds} s; what takes long belongs in a task's create`,
    );
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([import(pathToFileURL(file).href) as Promise<object>, late]);
  } finally {
    done.abort();
  }
}

/**
 * Time for what a module awaits at its top level, in s: a joining host must not keep its
 * coordinator waiting, and its operator needs an error message.
 */
const awaitSeconds = 8;

/** Time for the top level of a module, in s: more than for what it awaits. */
export const importSeconds = 10;

/**
 * Finds the line of the module where the error was thrown, if the stack contains it; syntax errors
 * do not.
 */
function formatLine(error: unknown, file: string): string {
  if (error instanceof SyntaxError && !/does not provide an export/.test(error.message))
    return `; node --check '${file}' shows where`;
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const at = stack.split(pathToFileURL(file).href)[1];
  const [, line] = /^:(\d+)/.exec(at ?? "") ?? [];
  return line === undefined ? "" : ` (line ${line})`;
}

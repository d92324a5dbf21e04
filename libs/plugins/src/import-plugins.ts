import { pathToFileURL } from "node:url";
import { UserError, type AggregatorPlugin, type DefinedPlugin } from "@fedclair/core";
import { checkPlugin, errorMessage } from "@fedclair/core/internal";

/**
 * Runs a module. @returns the plug-ins that it exports, those included that a task brings along
 * @param place who names it, for messages
 * @param seconds that its top level may await something
 * @throws UserError if it throws, or exports something else
 */
export async function importPlugins(
  file: string,
  place: string,
  seconds = importSeconds,
): Promise<DefinedPlugin[]> {
  let module: { readonly default?: unknown };
  // What goes wrong in it is told by its own lines, of TypeScript if that is what it is made of.
  process.setSourceMapsEnabled(true);
  try {
    module = await imported(file, seconds);
  } catch (error) {
    throw new UserError(
      `${place} cannot be imported: ${errorMessage(error)}${lineOf(error, file)}`,
    );
  }
  if (module.default === undefined) {
    throw new UserError(`${place} has no default export: export default definePlugin({ … })`);
  }
  // What a compiler made CommonJS of keeps its default export one level down.
  const exported = fromCommonJs(module.default);
  const values: unknown[] = Array.isArray(exported) ? exported : [exported];
  if (values.length === 0) throw new UserError(`${place} exports no plug-in: its array is empty`);
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

function fromCommonJs(value: unknown): unknown {
  const { __esModule, default: inner } = (value ?? {}) as {
    __esModule?: unknown;
    default?: unknown;
  };
  return __esModule === true && inner !== undefined ? inner : value;
}

/** Node.js would end without a word where a module waits for what never comes. */
async function imported(file: string, seconds: number): Promise<{ readonly default?: unknown }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new UserError(
          `its top level still awaits something after ${seconds} s; what takes long belongs in a task's prepare`,
        ),
      );
    }, seconds * 1000);
  });
  try {
    return (await Promise.race([import(pathToFileURL(file).href), late])) as object;
  } finally {
    clearTimeout(timer);
  }
}

/** The host that joins must not keep its coordinator waiting, nor its operator guessing. */
const importSeconds = 8;

/** Where in the module it was thrown, as far as the error's stack says so: it does not of an error of syntax. */
function lineOf(error: unknown, file: string): string {
  if (error instanceof SyntaxError && !/does not provide an export/.test(error.message))
    return `; node --check '${file}' shows where`;
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const at = stack.split(pathToFileURL(file).href)[1];
  const [, line] = /^:(\d+)/.exec(at ?? "") ?? [];
  return line === undefined ? "" : ` (line ${line})`;
}

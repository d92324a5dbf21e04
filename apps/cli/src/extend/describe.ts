import type { Plugin, Plugins } from "@fedclair/core";
import { UserError } from "@fedclair/core/errors";
import { trialSchema } from "@fedclair/core/internal";
import { loadPlugins, resolveModules } from "@fedclair/plugins";
import { print } from "@fedclair/runs";
import { describedKinds, type DescribedKind } from "./described-kinds.js";
import pc from "picocolors";
import { z } from "zod";

interface DescribeOptions {
  /** Modules whose plug-ins are also described. */
  readonly plugins: readonly string[];
  readonly json: boolean;
  /** True to print the JSON Schema of trial files instead. */
  readonly schema: boolean;
}

/** A plug-in as `fedclair plugins --json` prints it. */
interface Description {
  readonly name: string;
  readonly summary: string;
  /** The only tasks that an aggregator is for; absent if it is for any task. */
  readonly tasks?: readonly string[];
  readonly options: Options;
}

/** The part of an option's JSON Schema that is printed. */
interface OptionSchema {
  readonly default?: unknown;
  readonly description?: string;
  readonly const?: string;
  readonly properties?: Options;
  readonly anyOf?: readonly OptionSchema[];
  readonly oneOf?: readonly OptionSchema[];
}

/** JSON Schema of each option, by name. */
type Options = Readonly<Record<string, OptionSchema>>;

/**
 * `fedclair plugins [kind]`: describes the available tasks, aggregators, attacks, mods and
 * personal methods with their options. With `--schema` it prints the JSON Schema of trial files,
 * for editors.
 * @throws UserError for a kind with `--schema`, which describes whole trial files
 */
export async function describePlugins(
  kind: DescribedKind | undefined,
  { plugins: modules, json, schema }: DescribeOptions,
): Promise<void> {
  if (schema && kind)
    throw new UserError(`--schema describes whole trial files: leave out the kind '${kind}'`);
  const plugins = await loadPlugins(resolveModules(modules));
  if (schema) {
    print(formatSchema(plugins));
    return;
  }
  const describe = (one: DescribedKind) =>
    [...(plugins[one]?.values() ?? [])].map((plugin) => {
      const tasks = one === "aggregators" ? listOwners(plugin.name, plugins) : [];
      return { ...description(plugin), ...(tasks.length > 0 && { tasks }) };
    });
  if (json) {
    const byKind = () => Object.fromEntries(describedKinds.map((one) => [one, describe(one)]));
    print(JSON.stringify(kind ? describe(kind) : byKind()) + "\n");
    return;
  }
  for (const one of kind ? [kind] : describedKinds) {
    if (!kind) print(`${pc.underline(one)}\n`);
    for (const plugin of describe(one)) print(descriptionText(plugin));
    if (!kind) print("\n");
  }
}

/** Lists the tasks that define an aggregator. Other tasks reject it. */
function listOwners(aggregator: string, { tasks }: Plugins): string[] {
  return [...tasks.values()]
    .filter(({ aggregators }) => aggregators?.some(({ name }) => name === aggregator))
    .map(({ name }) => name);
}

function description({ name, summary, schema }: Plugin<unknown>): Description {
  const { properties } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return { name, summary, options: (properties ?? {}) as Description["options"] };
}

function descriptionText({ name, summary, tasks, options }: Description): string {
  const mark = tasks === undefined ? "" : ` (only for task ${tasks.join(", ")})`;
  return `${pc.bold(name)}  ${summary}${mark}\n${formatOptions(options, "    ").join("")}`;
}

/** Formats one line for each option, followed by the alternatives that it can be, indented. */
function formatOptions(options: Options, indent: string): string[] {
  return Object.entries(options).flatMap(([name, option]) => {
    if (option.const !== undefined) return [];
    const suffix = option.default === undefined ? "" : ` [${JSON.stringify(option.default)}]`;
    return [formatLine(`${indent}${name}${suffix}`, option), ...formatBranches(option, indent)];
  });
}

/** Formats the mappings of a union by what tells them apart, as `by: gap`. */
function formatBranches(option: OptionSchema, indent: string): string[] {
  const branches = [...(option.anyOf ?? []), ...(option.oneOf ?? [])];
  return branches.flatMap((branch) => {
    const { properties = {} } = branch;
    const [key, kind] = Object.entries(properties).find(([, { const: own }]) => own) ?? [];
    if (kind === undefined) return formatBranches(branch, indent);
    const line = formatLine(`${indent}  ${key}: ${kind.const}`, branch);
    return [line, ...formatOptions(properties, `${indent}    `)];
  });
}

function formatLine(name: string, { description = "" }: OptionSchema): string {
  return `${name}  ${pc.dim(description)}`.trimEnd() + "\n";
}

/** Formats the JSON Schema of trial files. */
function formatSchema(plugins: Plugins): string {
  const how = { io: "input", target: "draft-7", unrepresentable: "any" } as const;
  return JSON.stringify(z.toJSONSchema(trialSchema(plugins), how), null, 2) + "\n";
}

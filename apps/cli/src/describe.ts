import type { Plugins } from "@fedclair/core";
import { trialSchema } from "@fedclair/core/internal";
import { loadPlugins, resolveModule } from "@fedclair/plugins";
import { print } from "@fedclair/runs";
import pc from "picocolors";
import { z } from "zod";

export interface DescribeOptions {
  /** Modules whose plug-ins are described too. */
  readonly plugins: readonly string[];
  readonly json: boolean;
}

/** `fedclair tasks`, `aggregators`, `attacks`, `mods`: what there is, and its options. */
export async function describePlugins(
  kind: "tasks" | "aggregators" | "attacks" | "mods",
  { plugins: modules, json }: DescribeOptions,
): Promise<void> {
  const plugins = await withModules(modules);
  const described = [...(plugins[kind]?.values() ?? [])].map(({ name, summary, schema }) => ({
    name,
    summary,
    options: z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }).properties ?? {},
  }));
  if (json) {
    print(JSON.stringify(described) + "\n");
    return;
  }
  for (const { name, summary, options } of described) {
    print(`${pc.bold(name)}  ${summary}\n`);
    for (const [option, schema] of Object.entries(options)) {
      const { default: fallback, description = "" } = schema as {
        default?: unknown;
        description?: string;
      };
      const shown = fallback === undefined ? "" : ` [${JSON.stringify(fallback)}]`;
      print(`    ${option}${shown}  ${pc.dim(description)}\n`);
    }
  }
}

/** `fedclair schema`: the JSON Schema of trial files, for editors. */
export async function printSchema(modules: readonly string[]): Promise<void> {
  const plugins = await withModules(modules);
  print(
    JSON.stringify(
      z.toJSONSchema(trialSchema(plugins), {
        io: "input",
        target: "draft-7",
        unrepresentable: "any",
      }),
      null,
      2,
    ) + "\n",
  );
}

function withModules(modules: readonly string[]): Promise<Plugins> {
  return loadPlugins(modules.map((module) => resolveModule(module, ".", "--plugins")));
}

import type { z, ZodObject } from "zod";
import type { Aggregator } from "./aggregator.js";
import type { Attack } from "./attack.js";
import type { Mod } from "./mod.js";
import type { PersonalMethod } from "./personal.js";
import type { AggregatorPlugin, Plugin, TaskPlugin } from "./plugin.js";
import type { Task } from "./task.js";
import { errorLocation, errorMessage, UserError } from "../words/errors.js";
import { pluginKinds, type PluginKind } from "./plugin-identity.js";
import { describeValue } from "../words/describe-value.js";

interface InstanceByKind {
  readonly task: Task | Promise<Task>;
  readonly aggregator: Aggregator;
  readonly attack: Attack;
  readonly mod: Mod;
  readonly personal: PersonalMethod;
}

interface PluginsByKind {
  readonly task: TaskPlugin;
  readonly aggregator: AggregatorPlugin;
  readonly attack: Plugin<Attack>;
  readonly mod: Plugin<Mod>;
  readonly personal: Plugin<PersonalMethod>;
}

/**
 * A plug-in that names its kind. A module of plug-ins exports one, or an array of them, as its
 * default export.
 */
export type DefinedPlugin<K extends PluginKind = PluginKind> = {
  [Kind in K]: { readonly kind: Kind } & PluginsByKind[Kind];
}[K];

/** A plug-in as its author writes it: the type of its options is the output of the schema `S`. */
type Definition<K extends PluginKind, S extends ZodObject> = Omit<
  PluginsByKind[K],
  "schema" | "create" | "contaminations"
> & {
  readonly schema: S;
  create(options: z.output<S>): InstanceByKind[K];
} & (K extends "task"
    ? { contaminations?(options: z.output<S>): ReadonlyMap<string, ZodObject> }
    : unknown);

/** A plug-in whose type has its name and its options. */
export type NamedPlugin<K extends PluginKind, S extends ZodObject, N extends string> = Omit<
  DefinedPlugin<K>,
  "name" | "schema"
> & { readonly name: N; readonly schema: S };

/** What a trial says to choose one of these plug-ins: its name, and its options beside it. */
export type ChoiceOf<P, K extends PluginKind> = P extends {
  readonly kind: K;
  readonly name: infer N;
  readonly schema: infer S extends ZodObject;
}
  ? { readonly name: N } & z.input<S>
  : never;

/**
 * Defines a task, an aggregator, an attack, a mod or a personal method outside of this repository.
 * The type of its options comes from its schema. Export it as the default of a module, and list the
 * module in the trial file: `plugins: [./my-task.js]`.
 */
export function definePlugin<K extends PluginKind, S extends ZodObject, const N extends string>(
  plugin: { readonly kind: K; readonly name: N; readonly schema: S } & Definition<K, S>,
): NamedPlugin<K, S, N> {
  return plugin as unknown as NamedPlugin<K, S, N>;
}

/** The methods that the result of `create` must have. */
const methods: Readonly<Record<PluginKind, readonly string[]>> = {
  task: ["start", "openShard"],
  aggregator: ["aggregate"],
  attack: [],
  mod: [],
  personal: ["train", "model"],
};

/**
 * Checks a value that a module of plug-ins exports. The `create` of the returned plug-in also
 * checks its result.
 * @throws Error that says what is wrong with the value
 */
export function checkPlugin(value: unknown): DefinedPlugin {
  const fault = findPluginFault(value);
  if (fault !== undefined) throw new Error(fault);
  const plugin = value as DefinedPlugin;
  return { ...plugin, create: (options: never) => callCreate(plugin, options) } as DefinedPlugin;
}

function findPluginFault(value: unknown): string | undefined {
  if (!isObject(value))
    return `expected a plug-in, as definePlugin({ kind: "task", … }), got ${describeValue(value)}`;
  const { kind, name, summary, schema, create } = value;
  if (!pluginKinds.some((one) => one === kind))
    return `kind: expected one of ${pluginKinds.join(", ")}, got ${describeValue(kind)}`;
  if (typeof name !== "string" || !/^[a-z0-9][a-z0-9-]{0,63}$/.test(name))
    return `name: expected at most 64 lower-case letters, digits and hyphens, got ${describeValue(name)}`;
  if (typeof summary !== "string" || summary === "")
    return `summary: expected a sentence that says what it does, got ${describeValue(summary)}`;
  const schemaFault = findSchemaFault(schema);
  if (schemaFault !== undefined) return `schema: ${schemaFault}`;
  if (typeof create !== "function")
    return `create: expected a function of the options, got ${describeValue(create)}`;
  return undefined;
}

function findSchemaFault(schema: unknown): string | undefined {
  if (schema === undefined)
    return "missing; expected z.strictObject({ … }), z.strictObject({}) for no options";
  // Not by instanceof, because the plug-in may use another copy of zod 4; `_zod` is the same in
  // all.
  const internals = isObject(schema) ? schema["_zod"] : undefined;
  const def = isObject(internals) ? internals["def"] : undefined;
  if (!isObject(def) || def["type"] !== "object" || !isObject(def["shape"])) {
    const old = isObject(schema) && "_def" in schema && internals === undefined;
    return `expected z.strictObject({ … }) of zod 4, got ${old ? "a schema of zod 3" : describeValue(schema)}`;
  }
  const rest = (def["catchall"] as { _zod?: { def?: { type?: string } } } | undefined)?._zod?.def;
  if (rest?.type !== "never")
    return "expected z.strictObject, for a misspelt option must not pass unseen";
  if ("name" in def["shape"])
    return "expected no option called name: it is the plug-in's own key in a trial file";
  return undefined;
}

/**
 * Calls `create` and checks that the result has the methods of its kind. A task may be created
 * asynchronously; it is checked when it is loaded.
 * @throws UserError naming the plug-in if it has not, or if `create` throws
 */
function callCreate(plugin: DefinedPlugin, options: never): unknown {
  const { kind, name } = plugin;
  let value: unknown;
  try {
    value = plugin.create(options);
  } catch (error) {
    const where = error instanceof UserError ? "" : errorLocation(error);
    throw new UserError(
      `${kind} '${name}' cannot be made with these options: ${errorMessage(error)}${where}`,
      undefined,
      error,
    );
  }
  const required = methods[kind];
  if (value instanceof Promise && kind === "task") return value;
  if (value instanceof Promise)
    throw new UserError(
      `${kind} '${name}': expected create to return at once, got a promise: it must not be async`,
    );
  const missing = isObject(value)
    ? required.filter((m) => typeof value[m] !== "function")
    : required;
  if (isObject(value) && missing.length === 0) return value;
  const expected = required.length === 0 ? "an object" : `an object with ${required.join(" and ")}`;
  const got =
    isObject(value) && missing.length > 0
      ? `one without ${missing.join(" and ")}`
      : describeValue(value);
  throw new UserError(`${kind} '${name}': expected create to return ${expected}, got ${got}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

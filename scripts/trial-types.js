// Writes apps/cli/gen/trial-types.ts: the TypeScript types of trial files and of the options of
// built-in plug-ins, from their schemas. `npm run build` calls it when the libraries are compiled.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { trialSchema } from "@fedclair/core/internal";
import { loadBuiltIn } from "@fedclair/plugins";
import { sectionSchema } from "@fedclair/runs";
import { z } from "zod";

const folder = join(import.meta.dirname, "../apps/cli/gen");
const file = join(folder, "trial-types.ts");
const plugins = await loadBuiltIn();

/** The types of choices of plug-ins, each with one of the plug-ins that can be chosen. */
const choices = {
  Task: "digits",
  Aggregator: "fedavg",
  Attack: "sign-flip",
  Mod: "encoding",
  Personal: "ditto",
};

const text = [
  `export interface TrialKeys<${Object.keys(choices).join(", ")}> ${formatObject(toSchema(trialSchema(plugins)))}`,
  `export interface SweepSection ${formatObject(toSchema(sectionSchema))}`,
  ...Object.keys(choices).map((kind) => {
    const registry = kind === "Personal" ? "personal" : `${kind.toLowerCase()}s`;
    const options = [...plugins[registry].values()].map((plugin) => {
      return [plugin.name, { ...toSchema(plugin.schema), description: plugin.summary }];
    });
    const required = options.map(([name]) => name);
    return `export interface ${kind}Options ${formatObject({ properties: Object.fromEntries(options), required })}`;
  }),
].join("\n");
if ((await readFile(file, "utf8").catch(() => undefined)) !== text) {
  await mkdir(folder, { recursive: true });
  await writeFile(file, text);
}
process.exit(); // plug-ins may leave threads behind

function toSchema(schema) {
  return z.toJSONSchema(schema, { io: "input", target: "draft-7", unrepresentable: "any" });
}

function formatType(schema) {
  const choice = findChoice(schema);
  if (choice !== undefined) return choice;
  const { type, anyOf, oneOf, items, not } = schema;
  if (not !== undefined) return "never";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const branches = anyOf ?? oneOf;
  if (branches) return [...new Set(branches.map(formatType))].join(" | ");
  if (Array.isArray(items)) return `readonly [${items.map(formatType).join(", ")}]`;
  if (type === "array") return `readonly (${formatType(items ?? {})})[]`;
  if (type === "object") return formatObject(schema);
  const names = [type ?? "unknown"].flat();
  return names.map((name) => (name === "integer" ? "number" : name)).join(" | ");
}

/** The type that stands for a choice of plug-ins. */
function findChoice({ oneOf = [] }) {
  const names = oneOf.map(({ properties }) => properties?.name?.const);
  return Object.keys(choices).find((kind) => names.includes(choices[kind]));
}

function formatObject({ properties = {}, required = [], additionalProperties }) {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
    const mark = required.includes(name) ? "" : "?";
    return `${formatComment(schema)}readonly ${key}${mark}: ${formatType(schema)};`;
  });
  if (fields.length > 0) return `{\n${fields.join("\n")}\n}`;
  return additionalProperties
    ? `{ readonly [name: string]: ${formatType(additionalProperties)} }`
    : "{}";
}

/** Formats a field's description and default as a doc comment. */
function formatComment({ description, default: preset }) {
  const own = description === undefined ? [] : [description.replace(/([^.])$/, "$1.")];
  const without = preset === undefined || /\bdefault: /i.test(description ?? "");
  const text = [...own, ...(without ? [] : [`Default: ${JSON.stringify(preset)}.`])].join(" ");
  return text === "" ? "" : `/** ${text.replaceAll("*/", "* /")} */\n`;
}

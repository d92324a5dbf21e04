// npm run lab -- reference [--check]: writes docs/reference and docs/output.schema.json from the
// commands' descriptions and the schemas of plug-ins, trial files and output. With --check it
// writes nothing and exits with 1 if a file is out of date.
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { trialSchema } from "@fedclair/core/internal";
import { loadBuiltIn } from "@fedclair/plugins";
import { z } from "zod";
import { clientProgram as client } from "@fedclair/client/program";
import { coordinatorProgram as coordinator } from "@fedclair/coordinator/program";
import { sectionSchema } from "@fedclair/runs";
import { viewProgram as view } from "@fedclair/view/program";
import { jsonOutputs, recordSchema, timingSchema } from "fedclair/json";
import { program } from "fedclair/program";
import { parseArguments } from "./arguments.js";
import { formatAs } from "./format.js";
import { formatCommands } from "./reference/commands.js";
import { escapeText, formatFields } from "./reference/schema-table.js";

const root = join(import.meta.dirname, "..");
const { values } = parseArguments({ options: { check: { type: "boolean", default: false } } });
const generated = "`npm run lab -- reference` writes it from the schemas.";

const logs = { "records.jsonl": recordSchema, "timings.jsonl": timingSchema };
const plugins = await loadBuiltIn();
const pages = {
  "docs/reference/commands.md": formatCommands(
    program,
    new Map(Object.entries({ client, coordinator, view })),
  ),
  "docs/reference/trial-files.md": formatTrialFiles(),
  "docs/reference/json.md": formatOutputs(),
  "docs/reference/records.md": formatRecords(),
  "docs/output.schema.json": JSON.stringify(
    toSchema(z.strictObject({ ...jsonOutputs, ...logs }), "output"),
  ),
};
for (const kind of ["tasks", "aggregators", "attacks", "mods", "personal"]) {
  pages[`docs/reference/${kind}.md`] = formatPlugins(kind);
}

const outdated = [];
for (const [path, text] of Object.entries(pages)) {
  const file = join(root, path);
  const whole = await formatAs(file, text);
  if (values.check) {
    if (readFileSync(file, "utf8") !== whole) outdated.push(path);
    continue;
  }
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, whole);
}
if (outdated.length > 0)
  console.error(`out of date: ${outdated.join(", ")}: npm run lab -- reference`);
process.exit(outdated.length > 0 ? 1 : 0); // plug-ins may leave threads behind

function toSchema(schema, io) {
  return z.toJSONSchema(schema, { io, target: "draft-7", unrepresentable: "any" });
}

function formatPlugins(kind) {
  const sections = [...plugins[kind].values()].map(({ name, summary, schema }) => {
    const { properties = {}, required } = toSchema(schema, "input");
    return `## ${name}\n\n${escapeText(summary)}\n\n${formatFields(properties, required)}`;
  });
  const title = kind === "personal" ? "personal methods" : kind;
  return [
    `# Options of ${title}`,
    `This page lists every option of the built-in ${title}. ${generated} \`fedclair plugins ${kind}\` prints the same, also for plug-ins of your own.`,
    ...sections,
  ].join("\n\n");
}

function formatTrialFiles() {
  const { properties, required } = toSchema(trialSchema(plugins), "input");
  const section = toSchema(sectionSchema, "input");
  return [
    "# Trial files",
    `This page lists every key of a trial file. ${generated} \`fedclair plugins --schema\` prints the JSON Schema for editors. The options of [tasks](tasks.md), [aggregators](aggregators.md), [attacks](attacks.md), [mods](mods.md) and [personal methods](personal.md) have pages of their own.`,
    "## Keys",
    formatFields(properties, required),
    "## sweep",
    "In a sweep file any value may be a list of values, and the section `sweep` describes the tables ([a study for a paper](../paper-study.md)). `seeds` may be a number of seeds or a list of them ([seeds](../seeds.md)).",
    formatFields(section.properties, section.required),
  ].join("\n\n");
}

function formatOutputs() {
  /** The forms of output that have a table, with a link to it. */
  const known = new Map();
  const sections = Object.entries(jsonOutputs).map(([command, schema]) => {
    const json = toSchema(schema, "output");
    const forms = json.anyOf ?? [json];
    const title = `fedclair ${command}`;
    const parts = forms.map((form) => {
      const { description, $schema, ...content } = form;
      const key = JSON.stringify(content);
      const what = description === undefined ? "" : `${escapeText(description)} `;
      if (known.has(key)) return `${what}The same as that of ${known.get(key)}.`;
      known.set(key, `[${title}](#fedclair-${command})`);
      return `${what}\n\n${formatForm(linkKnown(form, known))}`;
    });
    return `## ${title}\n\n${parts.join("\n\n")}`;
  });
  return [
    "# Output as JSON",
    `This page lists every field that \`--json\` prints, by command. ${generated} [output.schema.json](../output.schema.json) is the JSON Schema: the output of a command is described by the property with its name. Fields without a value are absent.`,
    ...sections,
  ].join("\n\n");
}

function formatRecords() {
  const table = (schema) => formatFields(toSchema(schema, "output").properties, [], false);
  return [
    "# Records and timings",
    `This page lists every field of the two logs of a [run](../runs.md). ${generated} Each line is a JSON object. Fields without a value are absent. [output.schema.json](../output.schema.json) has the JSON Schemas under the files' names. [Errors](../errors.md) lists the codes of failures, and [CLAIR](../clair.md) explains the pieces of evidence.`,
    "## records.jsonl",
    "A line per round and arm. Its bytes are the same wherever the trial ran.",
    table(recordSchema),
    "## timings.jsonl",
    "A line per round and arm with what depends on the machine.",
    table(timingSchema),
  ].join("\n\n");
}

/** Replaces what has a table already, at any depth, by a link to it. */
function linkKnown(schema, known) {
  if (Array.isArray(schema)) return schema.map((one) => linkKnown(one, known));
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([name, inner]) => {
      const { description, ...content } = inner ?? {};
      const link = known.get(JSON.stringify(content));
      return [name, link ? { description, link: `as of ${link}` } : linkKnown(inner, known)];
    }),
  );
}

/** Formats one form of an output: a mapping, a list of mappings, or a mapping by names. */
function formatForm({ properties, items, additionalProperties }) {
  if (properties) return formatFields(properties, [], false);
  const inner = items ?? additionalProperties.items;
  return formatFields({ "[]": inner }, [], false);
}

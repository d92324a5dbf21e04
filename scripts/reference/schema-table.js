/**
 * Formats a JSON Schema as a Markdown table with a row per field. Fields of mappings and of
 * alternatives follow their parent, with their path.
 * @param properties JSON Schema by name
 * @param required names of the fields that have to be there
 * @param isInput true for options, which have defaults; false for output
 */
export function formatFields(properties, required = [], isInput = true) {
  const rows = Object.entries(properties).flatMap(([name, schema]) =>
    listRows(name, schema, isInput && required.includes(name)),
  );
  if (rows.length === 0) return "It has no options.\n";
  const heads = isInput ? ["option", "value", "default", "meaning"] : ["field", "value", "meaning"];
  const cells = rows.map(({ path, value, preset, meaning }) =>
    isInput ? [`\`${path}\``, value, preset, meaning] : [`\`${path}\``, value, meaning],
  );
  return formatTable(heads, cells);
}

/** Formats a Markdown table; a bar in a cell would end it. */
export function formatTable(heads, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n") + "\n";
}

/** Lists the rows of a field and of everything in it, unless it is a link to another table. */
function listRows(path, schema, isRequired) {
  const own = {
    path,
    value: schema.link ?? formatType(schema),
    preset: isRequired ? "required" : formatDefault(schema),
    meaning: toSentence(schema.description),
  };
  return [own, ...listInner(path, schema)];
}

function listInner(path, schema) {
  if (schema.link !== undefined) return [];
  const { properties, items, additionalProperties, required = [] } = schema;
  if (properties !== undefined) {
    return Object.entries(properties).flatMap(([name, inner]) =>
      listRows(`${path}.${name}`, inner, required.includes(name)),
    );
  }
  if (items?.properties || listBranches(items ?? {}).length > 0)
    return listInner(`${path}[]`, items);
  if (additionalProperties?.properties) return listInner(`${path}.<name>`, additionalProperties);
  return listBranches(schema).flatMap((branch) => listBranch(path, branch));
}

/** Lists the fields of one alternative, which is named by what tells it apart, as `by: gap`. */
function listBranch(path, branch) {
  const entries = Object.entries(branch.properties ?? {});
  const mark = entries.find(([, inner]) => inner.const !== undefined);
  if (mark === undefined) return listInner(path, branch);
  const [key, { const: kind }] = mark;
  const place = `${path} { ${key}: ${kind} }`;
  const rows = entries
    .filter(([name]) => name !== key)
    .flatMap(([name, inner]) =>
      listRows(`${place}.${name}`, inner, branch.required?.includes(name) ?? false),
    );
  const own = {
    path: place,
    value: "mapping",
    preset: "",
    meaning: toSentence(branch.description),
  };
  return [own, ...rows];
}

/** Lists the alternatives of a field, except for a choice of plug-in: it has a page of its own. */
function listBranches({ anyOf = [], oneOf = [] }) {
  const all = [...anyOf, ...oneOf];
  return all.some(isPlugin) ? [] : all.flatMap((branch) => [branch]);
}

/** Is this the choice of a plug-in by name, with its options? */
function isPlugin({ properties, allOf, anyOf = [], oneOf = [] }) {
  if (properties?.name?.const !== undefined) return true;
  return [...(allOf ?? []), ...anyOf, ...oneOf].some(isPlugin);
}

/** Describes the values that a field may have. */
export function formatType(schema) {
  if (isPlugin(schema)) return "`{ name, … }`";
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${one}\``).join(", ");
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  if (branches.length > 0) return [...new Set(branches.map(formatType))].join(" or ");
  if (Array.isArray(schema.type))
    return schema.type.map((type) => formatType({ ...schema, type })).join(" or ");
  if (schema.type === "array") return formatList(schema);
  if (schema.type === "object" || schema.properties) return "mapping";
  if (schema.type === "null") return "null";
  if (schema.type === "boolean" || schema.type === "string") return schema.type;
  if (schema.type === "number" || schema.type === "integer") return formatNumber(schema);
  return "any";
}

function formatList({ items, prefixItems }) {
  if (prefixItems) return `[${prefixItems.map(formatType).join(", ")}]`;
  return items ? `list of ${formatType(items)}` : "list";
}

/** Leaves out the bounds of the number type itself. */
const isBound = (bound) => bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;

function formatNumber({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }) {
  const bounds = [
    ...(isBound(minimum) ? [`≥ ${minimum}`] : []),
    ...(isBound(exclusiveMinimum) ? [`> ${exclusiveMinimum}`] : []),
    ...(isBound(maximum) ? [`≤ ${maximum}`] : []),
    ...(isBound(exclusiveMaximum) ? [`< ${exclusiveMaximum}`] : []),
  ];
  return [type, bounds.join(", ")].filter(Boolean).join(" ");
}

function formatDefault({ default: preset }) {
  return preset === undefined ? "" : `\`${JSON.stringify(preset)}\``;
}

/** Texts of schemas are plain, so signs of Markdown and HTML in them are meant as they are. */
function toSentence(description = "") {
  return escapeText(description.replaceAll("\n", " "));
}

/** Escapes what Markdown or HTML would take for markup, outside of code. */
export function escapeText(text) {
  return text
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[<>{}*_[\]]/g, "\\$&")))
    .join("");
}

import { escapeText, formatTable } from "./schema-table.js";

/** Formats the page of commands from their own descriptions. */
export function formatCommands(program, apps) {
  const commands = program
    .createHelp()
    .visibleCommands(program)
    .filter((command) => command.name() !== "help");
  const groups = new Set(commands.map((command) => command.helpGroup()));
  const sections = [...groups].flatMap((group) => [
    `## ${group.replace(/:$/, "")}`,
    ...commands
      .filter((command) => command.helpGroup() === group)
      .map((command) => formatCommand(apps.get(command.name()) ?? command)),
  ]);
  return [
    "# Commands",
    "This page lists every command with its arguments and options. `npm run lab -- reference` writes it from the commands' own descriptions; `fedclair COMMAND --help` prints the same.",
    ...sections,
  ].join("\n\n");
}

function formatCommand(command) {
  const name = command.name().replace(/^fedclair /, "");
  const inputs = command.registeredArguments.map((argument) => [
    `\`${formatArgument(argument)}\``,
    escapeText(withChoices(argument.description, argument.argChoices)),
  ]);
  const options = command.options
    .filter(({ hidden }) => !hidden)
    .map((option) => [
      `\`${option.flags}\``,
      formatPreset(option),
      escapeText(withChoices(option.description, option.argChoices)),
    ]);
  return [
    `### fedclair ${name}`,
    toSentence(command.description()),
    ...(inputs.length > 0 ? [formatTable(["argument", "meaning"], inputs).trimEnd()] : []),
    ...(options.length > 0
      ? [formatTable(["option", "default", "meaning"], options).trimEnd()]
      : []),
  ].join("\n\n");
}

function formatArgument(argument) {
  const name = `${argument.name()}${argument.variadic ? "…" : ""}`;
  return argument.required ? name : `[${name}]`;
}

function withChoices(description, choices) {
  return choices ? `${description}; one of ${choices.join(", ")}` : description;
}

function formatPreset({ mandatory, defaultValue, defaultValueDescription }) {
  if (mandatory && defaultValue === undefined) return "required";
  if (defaultValueDescription !== undefined) return defaultValueDescription;
  if (defaultValue === undefined || defaultValue === false || defaultValue === true) return "";
  return Array.isArray(defaultValue) ? "" : `\`${defaultValue}\``;
}

function toSentence(text) {
  const whole = text.endsWith(".") ? text : `${text}.`;
  return escapeText(whole[0].toUpperCase() + whole.slice(1));
}

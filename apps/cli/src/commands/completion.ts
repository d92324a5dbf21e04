import type { Command, Option } from "commander";

/** The shells that `fedclair completion` knows. */
export type Shell = "bash" | "zsh" | "fish";

/** Returns a shell script that completes commands, options and their choices, and else paths. */
export function formatCompletion(program: Command, shell: Shell): string {
  const commands = program.createHelp().visibleCommands(program);
  return shell === "fish" ? formatFish(commands) : formatBash(commands, shell);
}

function listVisible({ options }: Command): readonly Option[] {
  return options.filter(({ hidden }) => !hidden);
}

/** zsh runs the script of bash with its own emulation of `complete`. */
function formatBash(commands: readonly Command[], shell: "bash" | "zsh"): string {
  const cases = commands.map((command) => {
    const options = listVisible(command);
    const values = options.flatMap(({ long, argChoices }) =>
      long && argChoices ? [`      ${long}) words="${argChoices.join(" ")}" ;;`] : [],
    );
    const flags = options.flatMap(({ long }) => long ?? []).join(" ");
    return [
      `    ${command.name()}) case "$previous" in`,
      ...values,
      `      *) [[ $current == -* ]] && words="${flags}" ;;`,
      "    esac ;;",
    ].join("\n");
  });
  return [
    ...(shell === "zsh" ? ["autoload -U +X bashcompinit && bashcompinit"] : []),
    "_fedclair() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" words=""',
    '  if [[ $COMP_CWORD -eq 1 ]]; then words="' +
      commands.map((command) => command.name()).join(" ") +
      '"; else case "${COMP_WORDS[1]}" in',
    ...cases,
    "  esac; fi",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o bashdefault -o default -F _fedclair fedclair",
    "",
  ].join("\n");
}

function formatFish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c fedclair -n __fish_use_subcommand -a ${command.name()} -d ${quote(command.description())}`,
    ...listVisible(command).flatMap(({ long, description, argChoices, required }) => {
      if (!long) return [];
      const takes = argChoices ? ` -x -a ${quote(argChoices.join(" "))}` : required ? " -r" : "";
      const when = `-n ${quote(`__fish_seen_subcommand_from ${command.name()}`)}`;
      return `complete -c fedclair ${when} -l ${long.slice(2)}${takes} -d ${quote(description)}`;
    }),
  ]);
  return lines.join("\n") + "\n";
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

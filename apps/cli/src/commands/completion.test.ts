import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Command, Option } from "commander";
import { formatCompletion } from "./completion.js";

function createProgram(): Command {
  const program = new Command("fedclair");
  program
    .command("run")
    .description("run a trial's clients")
    .option("--hosts <n>", "number of hosts")
    .addOption(new Option("--transport <kind>", "how").choices(["socket", "memory"]));
  program.command("resume").option("--json", "print JSON");
  program.command("reply", { hidden: true });
  return program;
}

describe("completion", () => {
  const complete = (...words: readonly string[]) => {
    const line = words.map((word) => `'${word}'`).join(" ");
    const script = `${formatCompletion(createProgram(), "bash")}
      COMP_WORDS=(fedclair ${line}); COMP_CWORD=${words.length}; _fedclair; echo "\${COMPREPLY[*]}"`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout.trim().split(" ");
  };

  it("completes commands, their options, and choices in bash", () => {
    assert.deepEqual(complete("r"), ["run", "resume"]);
    assert.deepEqual(complete("run", "--"), ["--hosts", "--transport"]);
    assert.deepEqual(complete("resume", "--j"), ["--json"]);
    assert.deepEqual(complete("run", "--transport", "m"), ["memory"]);
    assert.deepEqual(complete("run", "tri"), [""]); // bash then completes paths
  });

  it("loads the emulation of bash in zsh", () => {
    assert.match(formatCompletion(createProgram(), "zsh"), /^autoload -U \+X bashcompinit/);
  });

  it("quotes descriptions for fish", () => {
    const lines = formatCompletion(createProgram(), "fish").split("\n");
    assert.ok(
      lines.includes(
        "complete -c fedclair -n __fish_use_subcommand -a run -d 'run a trial\\'s clients'",
      ),
    );
    assert.ok(
      lines.includes(
        "complete -c fedclair -n '__fish_seen_subcommand_from run' -l transport -x -a 'socket memory' -d 'how'",
      ),
    );
  });
});

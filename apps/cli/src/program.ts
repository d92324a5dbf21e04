import { version } from "@fedclair/runs/program";
import { Command } from "commander";
import { addAdapterCommands } from "./commands/adapters.js";
import { addCheckCommands } from "./commands/check.js";
import { addMachineCommands } from "./commands/machines.js";
import { addResultCommands } from "./commands/results.js";
import { addRunCommands } from "./commands/run.js";
import { addHelpCommands, addStartCommands } from "./commands/start.js";

/** The command line of `fedclair`. Each command imports its work when it runs. */
export const program = new Command("fedclair")
  .version(version)
  .description(
    "Simulates federated learning with contaminated clients and reports which ones they are, with evidence.",
  );

for (const [group, addCommands] of [
  ["Start:", addStartCommands],
  ["Run trials:", addRunCommands],
  ["Look at results:", addResultCommands],
  ["Run again and check:", addCheckCommands],
  ["LoRA adapters:", addAdapterCommands],
  ["Many machines:", addMachineCommands],
  ["Help:", addHelpCommands],
] as const) {
  program.commandsGroup(group);
  addCommands(program);
}
program.helpCommand(true); // in the last group

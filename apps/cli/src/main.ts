import { commandName, listenForInterruption, print, runProgram } from "@fedclair/runs/program";
import { program } from "./program.js";

const fedclair = commandName();

/** What `fedclair` alone suggests. */
const nextSteps = `fedclair simulates federated learning with contaminated clients and reports which ones they are.

  ${fedclair} new my-study    create an experiment of your own: a trial, its plug-ins and their tests
  ${fedclair} run TRIAL       run a trial file; it ends with verdicts, measures and a report
  ${fedclair} audit FOLDER    is one of these LoRA adapters contaminated?

${fedclair} --help lists all commands.
`;

listenForInterruption();
if (process.argv.length > 2) await runProgram(program);
else print(nextSteps);

import { listenForInterruption, runProgram } from "@fedclair/runs/program";
import { program } from "./program.js";

listenForInterruption();
await runProgram(program);

import { listenForInterruption, runProgram } from "@fedclair/runs/program";
import { coordinatorProgram } from "./program.js";

listenForInterruption();
await runProgram(coordinatorProgram);

import { listenForInterruption, runProgram } from "@fedclair/runs/program";
import { viewProgram } from "./program.js";

listenForInterruption();
await runProgram(viewProgram);

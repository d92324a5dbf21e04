import { listenForInterruption, runProgram } from "@fedclair/runs/program";
import { clientProgram } from "./program.js";

listenForInterruption();
await runProgram(clientProgram);

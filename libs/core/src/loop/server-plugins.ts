import type { Start } from "../contracts/task.js";
import { attackCohort } from "./attack-cohort.js";
import { finishExternal } from "./finish-external.js";
import { openStream, runStep } from "./run-step.js";

/** The parts of an arm's round in which plug-ins run at the coordinator. */
export interface ServerCode {
  readonly finishExternal: typeof finishExternal;
  readonly attackCohort: typeof attackCohort;
  readonly runStep: typeof runStep;
  readonly openStream: typeof openStream;
}

/** Runs the plug-ins of the coordinator where it can end them. */
export interface WatchedServer {
  /** Calls the task's `start`; undefined if it may run in this thread. */
  readonly start: (() => Promise<Start>) | undefined;
  /** @param arm the index of an arm */
  codeOf(arm: number): ServerCode;
  close(): Promise<void>;
}

/** Runs plug-ins in this thread. */
export const serverCode: ServerCode = { finishExternal, attackCohort, runStep, openStream };

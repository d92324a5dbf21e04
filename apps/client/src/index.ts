export { joinTrial, type HostLog, type JoinOptions, type JoinResult } from "./join-trial.js";
export { RefusedError, UnreachableError } from "@fedclair/wire";

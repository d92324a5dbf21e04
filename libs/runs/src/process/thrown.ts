import type { OnBatchError, OnClientError } from "@fedclair/core/internal";
import { errorMessage, errorLocation } from "@fedclair/core/errors";
import type { Logger } from "./log.js";

/** Faults that are told at most: a message may have a new number in it every time. */
const most = 20;

/** Tells, once each, what clients' code throws and where: records have the message alone. */
export function clientErrorLogger(log: Logger): OnClientError {
  const told = new Set<string>();
  return ({ clientId, round, kind }, error) => {
    const what = `${errorMessage(error)}${errorLocation(error)}`;
    if (told.has(what) || told.size === most) return;
    told.add(what);
    log.warn({ client: clientId }, `${clientId}, round ${round}, ${kind}: ${what}`);
  };
}

/** Tells that clients are trained one by one, and slower, because a task cannot train them together. */
export function batchErrorLogger(log: Logger): OnBatchError {
  return (task, error) => {
    const what = `${errorMessage(error)}${errorLocation(error)}`;
    log.warn(
      `task ${task}: trainCohort() fails where each client trains alone, so all train one by one: ${what}`,
    );
  };
}

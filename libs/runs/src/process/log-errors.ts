import type { OnBatchError, OnClientError } from "@fedclair/core/internal";
import { errorMessage, errorLocation } from "@fedclair/core/errors";
import type { Logger } from "./log.js";

/**
 * Maximum number of errors to log. A message that contains a new number each time would otherwise
 * be logged every time.
 */
const maxLogged = 20;

/**
 * Logs each error thrown by clients' code once, with its location. Records contain only the
 * message.
 */
export function clientErrorLogger(log: Logger): OnClientError {
  const logged = new Set<string>();
  return ({ clientId, round, kind }, error) => {
    const what = `${errorMessage(error)}${errorLocation(error)}`;
    if (logged.has(what) || logged.size === maxLogged) return;
    logged.add(what);
    log.warn({ client: clientId }, `${clientId}, round ${round}, ${kind}: ${what}`);
  };
}

/**
 * Logs that clients train one by one, which is slower, because a task cannot train them together.
 */
export function batchErrorLogger(log: Logger): OnBatchError {
  return (task, error) => {
    const what = `${errorMessage(error)}${errorLocation(error)}`;
    log.warn(
      `task ${task}: trainCohort.train() fails where each client trains alone, so all train one by one: ${what}`,
    );
  };
}

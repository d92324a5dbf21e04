import type { ReportedJob, RunnerEvents } from "@fedclair/core/internal";
import { errorMessage, errorLocation } from "@fedclair/core/errors";

/**
 * Maximum number of errors to log. A message that contains a new number each time would otherwise
 * be logged every time.
 */
const maxLogged = 20;

/** Receives the errors of clients' code, and clients whose code was too slow or did not return. */
type ClientEvents = Required<Pick<RunnerEvents, "onClientError" | "onBatchError" | "onTimeout">> & {
  readonly onHang: (job: ReportedJob, what: string) => void;
  readonly onOthersCode: (job: ReportedJob, what: string) => void;
  readonly onStray: (task: string, what: string) => void;
};

/** A log for what goes wrong in clients' code, such as `console`. */
export interface ClientLog {
  warn(text: string): void;
  /** @param fields what the line is about, as `{ client: "c03" }` */
  warn(fields: object, text: string): void;
}

/**
 * Logs what goes wrong in clients' code. Each error is logged once, with its location; records
 * contain only the message.
 */
export function clientEventLogger(log: ClientLog): ClientEvents {
  const logged = new Set<string>();
  const late = new Set<string>();
  let disturbed = 0;
  const warn = ({ clientId, round, kind }: ReportedJob, what: string) => {
    log.warn({ client: clientId }, `${clientId}, round ${round}, ${kind}: ${what}`);
  };
  return {
    onClientError: (job, error) => {
      const what = describe(error);
      if (logged.has(what) || logged.size === maxLogged) return;
      logged.add(what);
      warn(job, what);
    },
    // Clients then train one by one, which is slower.
    onBatchError: (task, error) => {
      log.warn(
        `task ${task}: trainCohort.train() fails where each client trains alone, so all train one by one: ${describe(error)}`,
      );
    },
    // Once for each client, as all have the same message.
    onTimeout: (job, what) => {
      if (late.has(job.clientId) || late.size === maxLogged) return;
      late.add(job.clientId);
      warn(job, what);
    },
    onStray: (task, what) => {
      log.warn(
        `task ${task}: code that belongs to no client ${what}, in a timer or in a promise that is never awaited`,
      );
    },
    onOthersCode: (job, what) => {
      if (disturbed++ < maxLogged) warn(job, what);
    },
    onHang: (job, what) => {
      warn(job, `${what}: its thread was ended`);
    },
  };
}

function describe(error: unknown): string {
  return `${errorMessage(error)}${errorLocation(error)}`;
}

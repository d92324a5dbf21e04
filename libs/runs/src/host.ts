/*
 * The entry point `@fedclair/runs/host` for client hosts. It loads in a third of the time of the
 * whole package, which matters because hosts are started by the dozen.
 */
export { hostBackends } from "./run/backend.js";
export { Patience } from "./run/slow-notice.js";
export { readCertificates } from "./process/certificates.js";
export { createLog } from "./process/log.js";
export { interruption, readToken, toUserError } from "./process/main.js";
export { clientEventLogger, type ClientLog } from "./process/log-errors.js";
export { version } from "./words/version.js";

/*
 * What a client host needs: `@fedclair/runs/host`. Apart from the rest, which is three times as much to load, as hosts are started by the
 * dozen.
 */
export { hostBackends, loadForOutside } from "./backend.js";
export { Patience } from "./patience.js";
export { readCertificates } from "./process/certificates.js";
export { createLog } from "./process/log.js";
export { interruption, readToken, toUserError } from "./process/main.js";
export { batchErrorLogger, clientErrorLogger } from "./process/thrown.js";
export { version } from "./version.js";

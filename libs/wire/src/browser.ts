/*
 * The host's end of the wire for browsers: `@fedclair/wire/browser`. Nothing that it imports needs
 * Node.js; the build of apps/client-browser fails otherwise.
 */
export { RefusedError, UnreachableError } from "./client-host.js";
export { connectTab } from "./connect-tab.js";
export { Traffic } from "./send/traffic.js";

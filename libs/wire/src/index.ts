export { connectHost, type HostOptions } from "./connect-host.js";
export { checkCoordinatorUrl } from "./coordinator-url.js";
export { isLoopback, checkOpenness } from "./openness.js";
export { isSameSecret } from "./signed-token.js";
export { protocolVersion } from "./protocol.js";
export { SocketPool, type SocketPoolOptions } from "./socket-pool.js";
export type { Traffic } from "./traffic.js";
export { createServer, type Certificates } from "./tls.js";
export type { TokenRule } from "./token-check.js";

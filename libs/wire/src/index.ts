export { connectHost, type HostOptions } from "./connect-host.js";
export { checkCoordinatorUrl } from "./coordinator-url.js";
export { isLoopback } from "./openness.js";
export { protocolVersion } from "./protocol.js";
export { SocketPool, type SocketPoolOptions } from "./socket-pool.js";
export type { Traffic } from "./traffic.js";
export type { Certificates } from "./tls.js";
export type { TokenRule } from "./token-check.js";

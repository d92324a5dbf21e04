export { connectHost, type HostOptions } from "./connect-host.js";
export { protocolVersion } from "./protocol.js";
export { SocketPool, type SocketPoolOptions } from "./socket-pool.js";
export type { Traffic } from "./traffic.js";

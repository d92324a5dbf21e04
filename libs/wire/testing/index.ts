export { describeHost, hostTrial, type HostEnd, type StartHost } from "./host-conformance.js";

export { fedclair as messages } from "#gen/fedclair.js";
export { RawHost } from "./raw-host.js";
export { describeHost, hostTrial, type HostEnd, type StartHost } from "./host-conformance.js";
export { defaultLimits } from "../src/codec/protocol.js";
export { ScriptedCoordinator } from "./scripted-coordinator.js";

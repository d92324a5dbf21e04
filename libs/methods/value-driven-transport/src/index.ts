export { valueDrivenTransport as default } from "./task.js";

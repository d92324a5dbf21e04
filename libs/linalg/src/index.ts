export { Stream, stream } from "./stream.js";

/* Globals of Node.js, which the build puts where they are used. */
export { Buffer } from "buffer";

import { z } from "zod";
import { printable } from "../words/text.js";

const text = z.string().transform((value) => printable(value, 200));
const count = z.number();

/** A client host that has joined, or that was lost, as pages read it from the folder of a run. */
export const hostStatusSchema = z.object({
  /** The name in its token, or else the order in which it joined. */
  name: text,
  address: text,
  /** Its release of fedclair. */
  version: text,
  external: z.boolean(),
  capacity: count,
  /** The clients that it holds, as ranges like `c00-c14`. */
  clients: text,
  clientCount: count,
  /** Jobs that were sent to it and that it has not answered. */
  openJobs: count,
  bytesSent: count,
  bytesReceived: count,
  /** Time for a heartbeat to get there and back, in ms; undefined before the first one. */
  lag: count.optional(),
  /** ISO 8601. */
  joined: text,
  lastSeen: text,
  /** When and why the connection ended. */
  lost: z.object({ at: text, reason: text }).optional(),
  /** How often a host with this name was lost before it joined again. */
  returns: count,
});
export type HostStatus = Readonly<z.output<typeof hostStatusSchema>>;

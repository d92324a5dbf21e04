import { pino, type Logger } from "pino";
import pretty from "pino-pretty";

export type { Logger } from "pino";

/**
 * Talk goes to stderr, so that stdout carries data only: readable lines on a terminal, JSON lines elsewhere.
 * The level is the environment variable FEDCLAIR_LOG (debug, info, warn, error, silent), by default `info`.
 */
export function createLog(name: string): Logger {
  const level = process.env["FEDCLAIR_LOG"] ?? "info";
  const options = { level, base: { name } };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  const stream = pretty({
    destination: 2,
    sync: true,
    ignore: "pid,hostname,time",
    hideObject: false,
  });
  return pino(options, stream);
}

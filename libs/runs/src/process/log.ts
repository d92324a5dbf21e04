import { printable } from "@fedclair/core";
import { pino, type Logger, type LoggerOptions } from "pino";
import pretty from "pino-pretty";

export type { Logger } from "pino";

/** Bytes of a message at most. */
const maxBytes = 4096;

/** What a stranger said may be part of a message: it must not begin a line of its own, nor steer the terminal. */
const hooks: NonNullable<LoggerOptions["hooks"]> = {
  logMethod(args, method) {
    const shown = args.map((arg: unknown) =>
      typeof arg === "string" ? printable(arg, maxBytes) : arg,
    );
    method.apply(this, shown as typeof args);
  },
};

/**
 * Talk goes to stderr, so that stdout carries data only: readable lines on a terminal, JSON lines elsewhere.
 * The level is the environment variable FEDCLAIR_LOG (debug, info, warn, error, silent), by default `info`.
 */
export function createLog(name: string): Logger {
  const level = process.env["FEDCLAIR_LOG"] ?? "info";
  const options = { level, base: { name }, hooks };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  const stream = pretty({
    destination: 2,
    sync: true,
    ignore: "pid,hostname,time",
    hideObject: false,
  });
  return pino(options, stream);
}

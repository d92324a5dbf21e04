import { writeSync } from "node:fs";
import { printable } from "@fedclair/core";
import { pino, type Logger, type LoggerOptions } from "pino";
import pc from "picocolors";

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
  return pino(options, {
    write: (line) => {
      writeSync(2, readable(line));
    },
  });
}

const colours: Readonly<Record<string, (text: string) => string>> = {
  warn: pc.yellow,
  error: pc.red,
};

/** A JSON line of the log as a person reads it: `WARN (client): no coordinator …`. */
function readable(line: string): string {
  const { level, name, msg } = JSON.parse(line) as { level: number; name: string; msg: string };
  const label = pino.levels.labels[level] ?? "";
  return `${(colours[label] ?? pc.green)(label.toUpperCase())} (${name}): ${msg}\n`;
}

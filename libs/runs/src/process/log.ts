import { writeSync } from "node:fs";
import { printable } from "@fedclair/core/internal";
import { pino, type Logger, type LoggerOptions } from "pino";
import pc from "picocolors";

export type { Logger } from "pino";

/** Bytes of a message at most. */
const maxBytes = 4096;

/** Bytes of a field's text at most. */
const maxFieldBytes = 256;

/** What a stranger said may be part of a message: it must not begin a line of its own, nor steer the terminal. */
const hooks: NonNullable<LoggerOptions["hooks"]> = {
  logMethod(args, method) {
    const shown = args.map((arg: unknown) =>
      typeof arg === "string"
        ? printable(arg, maxBytes)
        : isFields(arg)
          ? printableFields(arg)
          : arg,
    );
    method.apply(this, shown as typeof args);
  },
};

/** What a line carries beside its message: `trial`, `arm`, `round`, `client`, as far as they are known. */
export type LogFields = Readonly<Record<string, string | number | undefined>>;

function isFields(arg: unknown): arg is LogFields {
  return typeof arg === "object" && arg !== null && !(arg instanceof Error);
}

function printableFields(fields: LogFields): LogFields {
  const shown = Object.entries(fields).map(([key, value]) => {
    return [key, typeof value === "string" ? printable(value, maxFieldBytes) : value] as const;
  });
  return Object.fromEntries(shown);
}

/**
 * Talk goes to stderr, so that stdout carries data only: readable lines on a terminal, JSON lines elsewhere.
 * The level is the environment variable FEDCLAIR_LOG (debug, info, warn, error, silent).
 * @param where what every JSON line carries, asked for line by line; readable ones stay short without it
 * @param usual the level where the environment names none
 */
export function createLog(
  name: string,
  where: () => LogFields = () => ({}),
  usual: "info" | "warn" = "info",
): Logger {
  const level = process.env["FEDCLAIR_LOG"] ?? usual;
  const mixin = () => printableFields(where());
  const options = { level, base: { name }, mixin, hooks };
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

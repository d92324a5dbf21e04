import { writeSync } from "node:fs";
import { printable } from "@fedclair/core/internal";
import { pino, type Logger, type LoggerOptions } from "pino";
import pc from "picocolors";
import { interruption } from "./main.js";

export type { Logger } from "pino";

/** Maximum bytes of a message. */
const maxBytes = 4096;

/** Maximum bytes of a text field. */
const maxFieldBytes = 256;

/**
 * Escapes messages. They may contain text from untrusted peers, which must not start a new line or
 * control the terminal.
 */
const hooks: NonNullable<LoggerOptions["hooks"]> = {
  logMethod(args, method) {
    const escaped = args.map((arg: unknown) =>
      typeof arg === "string" ? printable(arg, maxBytes) : isFields(arg) ? escapeFields(arg) : arg,
    );
    method.apply(this, escaped as typeof args);
  },
};

/**
 * Fields of a log line in addition to its message: `trial`, `arm`, `round`, `client`, as far as
 * known.
 */
type LogFields = Readonly<Record<string, string | number | undefined>>;

function isFields(arg: unknown): arg is LogFields {
  return typeof arg === "object" && arg !== null && !(arg instanceof Error);
}

function escapeFields(fields: LogFields): LogFields {
  const escaped = Object.entries(fields).map(([key, value]) => {
    return [key, typeof value === "string" ? printable(value, maxFieldBytes) : value] as const;
  });
  return Object.fromEntries(escaped);
}

/**
 * Creates a logger that writes to stderr, so that stdout carries only data. It writes readable
 * lines on a terminal and JSON lines elsewhere. The environment variable FEDCLAIR_LOG sets the
 * level (debug, info, warn, error, silent).
 * @param where returns the fields of every JSON line; it is called for each line, and readable
 *   lines omit the fields
 * @param usual the level if the environment does not set one
 */
export function createLog(
  name: string,
  where: () => LogFields = () => ({}),
  usual: "info" | "warn" = "info",
): Logger {
  const level = process.env["FEDCLAIR_LOG"] ?? usual;
  const mixin = () => escapeFields(where());
  const options = { level, base: { name }, mixin, hooks };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  return pino(options, {
    write: (line) => {
      // After Ctrl-C the processes lose one another, which is no news for whoever pressed it.
      if (!interruption.signal.aborted || isError(line)) writeSync(2, formatLine(line));
    },
  });
}

const colours: Readonly<Record<string, (text: string) => string>> = {
  warn: pc.yellow,
  error: pc.red,
};

function isError(line: string): boolean {
  return (JSON.parse(line) as { level: number }).level >= (pino.levels.values["error"] ?? 0);
}

/** Formats a JSON line of the log for people: `WARN (client): no coordinator …`. */
function formatLine(line: string): string {
  const { level, name, msg } = JSON.parse(line) as { level: number; name: string; msg: string };
  const label = pino.levels.labels[level] ?? "";
  return `${(colours[label] ?? pc.green)(label.toUpperCase())} (${name}): ${msg}\n`;
}

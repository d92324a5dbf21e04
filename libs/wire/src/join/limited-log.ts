/** Writes a line to the log. */
export type LogLine = (line: string, level: "info" | "warn") => void;

/** Number of lines logged at once, and the time in ms after which as many may be logged again. */
const burst = 20;
const pause = 10_000;

/**
 * A log that strangers cannot flood: it prints only the first lines of every ten seconds, then the
 * number of lines that it left out.
 */
export function createLimitedLog(log: LogLine, now = () => performance.now()): LogLine {
  let [begin, printed, hidden] = [-Infinity, 0, 0];
  return (line, level) => {
    if (now() - begin > pause) {
      if (hidden > 0) log(`… and ${hidden} more lines like these`, level);
      [begin, printed, hidden] = [now(), 0, 0];
    }
    if (printed < burst) {
      printed++;
      log(line, level);
    } else hidden++;
  };
}

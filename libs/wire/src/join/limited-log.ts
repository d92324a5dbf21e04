/** Writes a line to the log. */
export type LogLine = (line: string, level: "info" | "warn") => void;

/** Time in ms after which as many lines may be logged again. */
const pause = 10_000;

/**
 * A log that strangers cannot flood: it prints only the first lines of every ten seconds, then the
 * number of lines that it left out.
 * @param burst the number of lines logged at once
 */
export function createLimitedLog(log: LogLine, now = () => performance.now(), burst = 20): LogLine {
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

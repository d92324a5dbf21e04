/** Tells a line. */
export type Log = (line: string, level: "info" | "warn") => void;

/** Lines at once, and after how long (ms) there may be as many again. */
const burst = 20;
const pause = 10_000;

/** A log that strangers cannot fill: of many lines it tells the first ones of every ten seconds, and then how many there were more. */
export function limitedLog(log: Log, now = () => performance.now()): Log {
  let [begin, told, hidden] = [-Infinity, 0, 0];
  return (line, level) => {
    if (now() - begin > pause) {
      if (hidden > 0) log(`… and ${hidden} more lines like these`, level);
      [begin, told, hidden] = [now(), 0, 0];
    }
    if (told < burst) {
      told++;
      log(line, level);
    } else hidden++;
  };
}

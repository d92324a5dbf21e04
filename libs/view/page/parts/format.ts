const plain = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });

/**
 * Formats a measured value with three digits, so that columns line up; very large and small ones
 * with an exponent.
 */
export function formatValue(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e6) return value.toExponential(2);
  return size < 1000 ? value.toPrecision(3) : plain.format(value);
}

/** Formats a number on an axis, with as few digits as it has. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential() : plain.format(value);
}

/** Formats a score over its threshold, like `3.2 ×`. */
export function formatRatio(ratio: number): string {
  return Number.isNaN(ratio) ? "–" : `${formatValue(ratio)} ×`;
}

/** Formats a duration in its two largest units, like `3 min 20 s`. @param seconds at least 0 */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 10) return `${minutes} min ${whole % 60} s`;
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Formats the time since a moment, like `12 s ago`. @param moment ISO 8601 */
export function formatAgo(moment: string, now: number): string {
  const seconds = (now - Date.parse(moment)) / 1000;
  if (!Number.isFinite(seconds)) return "–";
  return seconds < 2 ? "now" : `${formatSeconds(seconds).replace(/\.\d+/, "")} ago`;
}

/** Formats a moment as `2026-11-29 11:42`, in local time. @param moment ISO 8601 */
export function formatMoment(moment: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return "–";
  // Swedish times are in the order of ISO 8601.
  return date.toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short" });
}

/** Formats a count with its noun, like `1 round` or `3 rounds`. */
export function countLabel(count: number, noun: string): string {
  return `${count.toLocaleString("en-GB")} ${noun}${count === 1 ? "" : "s"}`;
}

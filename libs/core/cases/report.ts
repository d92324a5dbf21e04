/** A number may differ from the expected one by abs + rel·|expected|. */
export interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

/** One value of a case that is not as expected. */
export interface Mismatch {
  readonly field: string;
  readonly message: string;
}

/** What one case came to; it passed if it has no mismatch. */
export interface Outcome {
  readonly name: string;
  readonly mismatches: readonly Mismatch[];
}

/** Collects what differs between a case's expectations and what was computed. */
export class Report {
  readonly mismatches: Mismatch[] = [];

  fail(field: string, message: string): void {
    this.mismatches.push({ field, message });
  }

  equal(field: string, got: unknown, expected: unknown): void {
    if (got !== expected)
      this.fail(field, `got ${formatValue(got)}, expected ${formatValue(expected)}`);
  }

  /**
   * Compares a number or nested arrays of numbers; an expected null is infinity. Reports the worst entry only.
   * @param got what was computed, undefined if there is no such thing
   */
  near(field: string, got: unknown, expected: unknown, tolerance: Tolerance): void {
    let worst: { excess: number; field: string; message: string } | undefined;
    const visit = (path: string, actual: unknown, wanted: unknown): void => {
      if (Array.isArray(wanted) && Array.isArray(actual) && wanted.length === actual.length) {
        wanted.forEach((entry: unknown, i) => {
          visit(`${path}[${i}]`, actual[i], entry);
        });
        return;
      }
      const { excess, allowed } = computeExcess(actual, wanted, tolerance);
      if (excess <= 0 || (worst !== undefined && worst.excess >= excess)) return;
      const message = `got ${formatValue(actual)}, expected ${formatValue(wanted)}, tolerance ${allowed.toPrecision(3)}`;
      worst = { excess, field: path, message };
    };
    visit(field, got, expected);
    if (worst !== undefined) this.fail(worst.field, worst.message);
  }
}

/** How far a value lies beyond what is allowed; infinitely for anything that is not comparable. */
function computeExcess(actual: unknown, wanted: unknown, { abs, rel }: Tolerance) {
  const expected = wanted === null ? Infinity : wanted;
  if (typeof actual !== "number" || typeof expected !== "number") {
    return { excess: Infinity, allowed: abs };
  }
  if (actual === expected) return { excess: 0, allowed: abs };
  const allowed = Number.isFinite(expected) ? abs + rel * Math.abs(expected) : abs;
  const excess = Math.abs(actual - expected) - allowed;
  return { excess: Number.isNaN(excess) ? Infinity : excess, allowed };
}

function formatValue(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return value === undefined ? "nothing" : JSON.stringify(value);
}

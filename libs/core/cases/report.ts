/** A number may differ from the expected one by abs + rel·|expected|. */
export interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

/** One value of a case that differs from the expected one. */
export interface Mismatch {
  readonly field: string;
  readonly message: string;
}

/** The result of one case, which passed if it has no mismatch. */
export interface Outcome {
  readonly name: string;
  readonly mismatches: readonly Mismatch[];
}

/** Collects the differences between the expected and the computed values of a case. */
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
   * Compares a number or nested arrays of numbers, and reports only the worst entry. An expected
   * null stands for infinity.
   * @param got the computed value; undefined if there is none
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

/** Computes how far a value exceeds its tolerance: Infinity if it is not comparable. */
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

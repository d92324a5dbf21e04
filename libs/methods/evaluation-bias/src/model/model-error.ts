import { UserError } from "@fedclair/core";

type ModelErrorCode = "INFEASIBLE" | "BAD_ARGUMENT";

/**
 * The model has no answer for these arguments. INFEASIBLE: no density has an entropy this high or
 * this low.
 */
export class ModelError extends UserError {
  override readonly code: ModelErrorCode;

  constructor(code: ModelErrorCode, message: string) {
    super(message);
    this.name = "ModelError";
    this.code = code;
  }
}

/**
 * Requires a finite `value`, which must be above 0 if `positive`.
 * @throws ModelError BAD_ARGUMENT otherwise
 */
export function requireFiniteNumber(name: string, value: number, positive = false): void {
  if (Number.isFinite(value) && (!positive || value > 0)) return;
  const expected = positive ? "a finite number > 0" : "a finite number";
  throw new ModelError("BAD_ARGUMENT", `${name}: expected ${expected}, got ${value}`);
}

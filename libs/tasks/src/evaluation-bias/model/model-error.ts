import { UserError } from "@fedclair/core";

export type ModelErrorCode = "INFEASIBLE" | "BAD_ARGUMENT";

/** The model has no answer for what was asked: INFEASIBLE, no density has so much (or so little) entropy. */
export class ModelError extends UserError {
  readonly code: ModelErrorCode;

  constructor(code: ModelErrorCode, message: string) {
    super(message);
    this.name = "ModelError";
    this.code = code;
  }
}

/** @throws ModelError BAD_ARGUMENT unless `value` is finite, and above 0 if `positive` */
export function requireFinite(name: string, value: number, positive = false): void {
  if (Number.isFinite(value) && (!positive || value > 0)) return;
  const expected = positive ? "a finite number > 0" : "a finite number";
  throw new ModelError("BAD_ARGUMENT", `${name}: expected ${expected}, got ${value}`);
}

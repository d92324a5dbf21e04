import { deltaShape, isLowRank, shapeText, type TensorDelta } from "@fedclair/core";
import { printable, type ClientParams } from "@fedclair/core/internal";
import { WireError } from "../codec/wire-error.js";

/**
 * Checks that a job's terms fit its base before any product is computed.
 * @throws WireError WRONG_MODULES or WRONG_SHAPE
 */
export function checkTerms({ base, rounds }: ClientParams): void {
  for (const [name, change] of rounds.flat().flatMap((delta) => [...delta])) {
    const module = `module '${printable(name, 80)}'`;
    const tensor = base.get(name);
    if (!tensor) throw new WireError("WRONG_MODULES", `${module}: the job's base has none`);
    const wanted = shapeText(tensor.shape);
    if (shapeText(deltaShape(change)) !== wanted || !canMultiply(change)) {
      const message = `${module}: expected a change of ${wanted}, got ${formatChange(change)}`;
      throw new WireError("WRONG_SHAPE", message);
    }
  }
}

function canMultiply(change: TensorDelta): boolean {
  if (!isLowRank(change)) return true;
  const { b, a } = change;
  return b.shape.length === 2 && a.shape.length === 2 && b.shape[1] === a.shape[0];
}

function formatChange(change: TensorDelta): string {
  if (!isLowRank(change)) return shapeText(change.shape);
  return `${shapeText(change.b.shape)} times ${shapeText(change.a.shape)}`;
}

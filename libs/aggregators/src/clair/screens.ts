import { addScaled, Matrix, median, multiply } from "@fedclair/linalg";
import { geometricMedianWeights } from "../robust/geometric-median.js";
import { pointsOfGram } from "../robust/points.js";
import type { ClairResult } from "./clair.js";
import type { ClairOptions } from "./options.js";
import { indicesOf } from "./sanitise.js";

/** Norms beyond so many medians fail the norm screen. */
const mostNorms = 5;

/**
 * What the shared space cannot show (section 7): clients inside it that are far longer than others, or point away from
 * them. Both only mean something where benign clients have much in common inside the space too, as for one global model.
 * @returns the result with the clients that fail a screen among the contaminated, and why, by client id
 */
export async function screened(
  result: ClairResult,
  { screens }: Pick<ClairOptions, "screens">,
): Promise<{ readonly result: ClairResult; readonly reasons: ReadonlyMap<string, string> }> {
  const { benign } = result;
  if (screens.length === 0 || benign.length < 3) return { result, reasons: new Map() };
  const gram = await gramOfAll(result);
  const failures = [
    ...(screens.includes("norm") ? failNorm(gram) : []),
    ...(screens.includes("direction") ? await failDirection(gram) : []),
  ];
  const reasons = new Map(failures.map(([k, why]) => [benign[k]?.id ?? "", why]));
  const status = new Map(result.status);
  for (const id of reasons.keys()) status.set(id, "contaminated");
  const kept = benign.filter(({ id }) => !reasons.has(id));
  return { result: { ...result, status, benign: kept }, reasons };
}

type Failure = [client: number, reason: string];

function failNorm(gram: Matrix): Failure[] {
  const norms = Array.from({ length: gram.rows }, (_, k) => Math.sqrt(gram.get(k, k)));
  const middle = median(norms);
  return norms.flatMap((norm, k): Failure[] =>
    norm > mostNorms * middle
      ? [[k, `norm inside the space ${(norm / middle).toPrecision(3)} × the median`]]
      : [],
  );
}

/** Against the geometric median, as a mean could point the attackers' way. */
async function failDirection(gram: Matrix): Promise<Failure[]> {
  const count = gram.rows;
  const equal = new Float64Array(count).fill(1 / count);
  const weights = await geometricMedianWeights(pointsOfGram(gram), equal);
  const products = multiply(gram, new Matrix(count, 1, weights)).data;
  const size = Math.sqrt(products.reduce((total, x, k) => total + x * (weights[k] ?? NaN), 0));
  return Array.from(products).flatMap((product, k): Failure[] => {
    const cosine = product / (size * Math.sqrt(gram.get(k, k)));
    return cosine < 0 ? [[k, `cosine inside the space ${cosine.toFixed(2)}`]] : [];
  });
}

/** ⟨PX_i, PX_j⟩ over all modules, K×K. */
async function gramOfAll({
  benign,
  parts,
}: Pick<ClairResult, "benign" | "parts">): Promise<Matrix> {
  const gram = new Matrix(benign.length, benign.length);
  for (const one of await parts.each("gramInside", indicesOf(benign))) addScaled(gram, 1, one);
  return gram;
}

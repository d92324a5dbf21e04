import {
  deltaShape,
  isLowRank,
  readNumbers,
  sizeOf,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { item, pick } from "@fedclair/linalg";
import { measureEvenness, measureFactorEvenness } from "./evenness.js";
import type { ModuleMeasures } from "./measures.js";
import { compareRowSpaces, findRowSpace } from "./row-spaces.js";

/**
 * Measures one module of all clients. The measures belong to the changes, whatever factors a pair
 * comes in. The rows of B must be those that were sent: other coordinates, such as those of
 * `condense`, would change the entries.
 * @param updates at least one
 * @param as the factors A of the pairs, in any coordinates of the space that all of them span
 */
export function measureModule(
  updates: readonly TensorDelta[],
  as: readonly Tensor[] = updates.filter(isLowRank).map(({ a }) => a),
): ModuleMeasures {
  const spaces = as.map(findRowSpace);
  const ranks = new Set(updates.map((update) => (isLowRank(update) ? update.b.shape[1] : 0)));
  const [rank = 0] = ranks;
  const [rows = 1, ...rest] = deltaShape(item(updates, 0));
  const width = sizeOf(rest);
  let pairs = 0;
  return {
    evenness: updates.map((update) =>
      isLowRank(update)
        ? measureFactorEvenness(update.b, item(spaces, pairs++).triangle)
        : measureEvenness(readNumbers(update)),
    ),
    // Spaces of different dimensions, or as large as the whole, cannot show that they moved.
    ...(ranks.size === 1 &&
      rank > 0 &&
      rank < width && { rowSpaces: compareRowSpaces(spaces, width, rank) }),
    isDense: 2 * as.length < updates.length,
    shape: rank > 0 ? [rows, rank] : [rows, width],
  };
}

/** The measures of some clients. */
export function selectMeasures(
  { evenness, rowSpaces, isDense, shape }: ModuleMeasures,
  rows: readonly number[],
): ModuleMeasures {
  return {
    evenness: pick(evenness, rows),
    ...(rowSpaces && { rowSpaces: rowSpaces.among(rows) }),
    isDense,
    shape,
  };
}

import { compressLowRank, type ClairResult, type Refined } from "@fedclair/aggregators";
import { tensorOf, type LowRank } from "@fedclair/core";
import { hstack, Matrix } from "@fedclair/linalg";

/** A client's refined change as a LoRA adapter. */
export interface RefinedPairs {
  /** By module, of the rank that the client's own pair has. */
  readonly modules: ReadonlyMap<string, LowRank>;
  /** Share of the energy that these ranks cannot hold, the mean over modules. */
  readonly discarded: number;
}

/**
 * The clients' refined changes: each one's own part inside the shared space and what all share outside it, compressed
 * together.
 * @returns by client id
 */
export function refinedPairs(
  clients: ClairResult["benign"],
  refined: ReadonlyMap<string, Refined>,
): Map<string, RefinedPairs> {
  const pairs = new Map<string, RefinedPairs>();
  for (const { id, modules: changes } of clients) {
    const modules = new Map<string, LowRank>();
    let discarded = 0;
    for (const [module, { personal, shared, share }] of refined) {
      const change = changes.get(module);
      const own = personal.get(id);
      if (own === undefined || change === undefined || !("b" in change) || !("b" in shared)) {
        throw new TypeError(`${id}: ${module} is not refined, or not as a pair of factors`);
      }
      const b = share > 0 ? hstack([own.b, shared.b]) : own.b;
      const at =
        share > 0 ? hstack([own.a, shared.a].map((x) => x.transpose())) : own.a.transpose();
      const rank = change.b.cols;
      const pair = compressLowRank(b, at.transpose(), rank);
      modules.set(module, {
        b: tensorOf(widened(pair.b, rank)),
        a: tensorOf(widened(pair.a.transpose(), rank).transpose()),
      });
      discarded += pair.tail / refined.size;
    }
    pairs.set(id, { modules, discarded });
  }
  return pairs;
}

/** With zero columns up to `cols`: a change of lower rank still fills the shape that the configuration says. */
function widened(matrix: Matrix, cols: number): Matrix {
  return hstack([matrix, new Matrix(matrix.rows, cols - matrix.cols)]);
}

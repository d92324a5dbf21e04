import { clair, clairSchema } from "@fedclair/clair";
import { frobenius, multiply, multiplyTN, subtract, thinSvd } from "@fedclair/linalg";
import { truthColours, truthShapes } from "@fedclair/view";
import { ink, readSpec } from "./spec.js";
import { attackNames } from "./study.js";

/** Pixels of a column, between clients, and of a row. */
const width = 12;
const gap = 4;
const rowHeight = 4;

/**
 * Step 5: the stack of narrow blocks, its two parts, and the scores.
 * @param {import("./study.js").Study} study
 */
export async function decompositionFigure({ clients, updates, matrices, rank }) {
  const blocks = matrices.map((matrix) => {
    const { u, s } = thinSvd(matrix.scale(1 / frobenius(matrix)));
    const block = u.columns(0, rank).copy();
    for (let j = 0; j < rank; j++) block.column(j).forEach((x, i, own) => (own[i] = x * s[j]));
    return block;
  });
  const { modules, spaces } = await clair(updates, clairSchema.parse({ rank, rule: "gap" }));
  modules.close();
  const [{ left: space }] = spaces.values();
  const lows = blocks.map((block) => multiply(space, multiplyTN(space, block)));
  const parts = {
    "updates, side by side": blocks,
    "= low-rank part": lows,
    "+ block-sparse part": blocks.map((block, k) => subtract(block, lows[k])),
  };
  const leftOf = (k, j = 0) => k * (rank * width + gap) + j * width;
  const total = leftOf(clients.length) - gap;
  const across = { domain: [0, total], nice: false };
  const [{ rows }] = blocks;
  const cellsOf = (stack) =>
    stack.flatMap((block, k) =>
      Array.from({ length: rows * rank }, (_, n) => {
        const [i, j] = [n % rows, Math.floor(n / rows)];
        return { x: leftOf(k, j), x2: leftOf(k, j) + width, i, i2: i + 1, value: block.get(i, j) };
      }),
    );
  const largest = Math.max(...blocks.flatMap(({ data }) => [...data].map(Math.abs)));
  const shared = { total, across, height: rows * rowHeight, rows: [rows, 0] };
  const values = [-largest, 0, largest];
  const scores = clients.map((client, k) => ({
    x: leftOf(k) + (rank * width) / 2,
    name: client.clientId,
    truth: client.truth,
    score: client.score,
    threshold: client.threshold,
    flagged: client.verdict === "contaminated",
  }));
  const [colours, shapes] = [truthColours(attackNames), truthShapes(attackNames)];
  return {
    spacing: 10,
    vconcat: [
      ...Object.entries(parts).map(([title, stack]) =>
        readSpec("block", { ...shared, title, values, cells: cellsOf(stack) }),
      ),
      readSpec("scores", { total, across, scores, colours, shapes, ink }),
    ],
    resolve: { scale: { color: "independent" } },
  };
}

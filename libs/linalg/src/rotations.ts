import { at } from "./at.js";
import type { Matrix } from "./matrix.js";
import type { Rotate } from "./implicit-ql.js";
import { withScratch } from "./scratch.js";

const panelRows = 8;
const rotationsAtOnce = 4096;

/**
 * Multiplies the columns of x by the rotations that `source` emits, in place. Many rotations are
 * collected, then applied panel by panel; a panel of rows stays in the first-level cache. Source:
 * Van Zee, van de Geijn and Quintana-Ortí, Restructuring the tridiagonal and bidiagonal QR
 * algorithms for performance, 2014.
 */
export function rotateColumns(x: Matrix, source: (rotate: Rotate) => void): void {
  const { rows, cols, data } = x;
  const placeOf = (i: number, j: number) =>
    (Math.floor(i / panelRows) * cols + j) * panelRows + (i % panelRows);
  withScratch(({ kernels, array }) => {
    const panels = array(Math.ceil(rows / panelRows) * panelRows * cols);
    for (let j = 0; j < cols; j++) {
      for (let i = 0; i < rows; i++) panels[placeOf(i, j)] = at(data, i + j * rows);
    }
    // Chains of rotations (i, i + 1), (i - 1, i) …, each preceded by its first i and its length.
    const chains = array(4 * Math.min(rotationsAtOnce, cols * cols));
    let end = 0;
    let head = 0;
    let next: number | undefined;
    const apply = () => {
      for (let i = 0; i < rows; i += panelRows) {
        const panel = panels.byteOffset + 8 * placeOf(i, 0);
        kernels.applyRotations(panel, chains.byteOffset, chains.byteOffset + 8 * end);
      }
      end = 0;
      next = undefined;
    };
    source((i, c, s) => {
      if (end + 4 > chains.length) apply();
      if (i !== next) {
        head = end;
        chains[end++] = i;
        chains[end++] = 0;
      }
      chains[head + 1] = at(chains, head + 1) + 1;
      chains[end++] = c;
      chains[end++] = s;
      next = i - 1;
    });
    apply();
    for (let j = 0; j < cols; j++) {
      for (let i = 0; i < rows; i++) data[i + j * rows] = at(panels, placeOf(i, j));
    }
  });
}

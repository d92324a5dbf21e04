import { mutedColour } from "@fedclair/core";
import { frobenius, leadingLeft, multiplyTN } from "@fedclair/linalg";
import { ink, readSpec } from "./spec.js";
import { attackNames } from "./study.js";

const side = 300;

/**
 * Step 1: two updates compared as vectors, and by the spaces that their columns span.
 * @param {import("./study.js").Study} study
 */
export function alignFigure({ clients, matrices, rank }) {
  const spaces = matrices.map((matrix) => leadingLeft([matrix], rank));
  const values = clients.flatMap(({ clientId: row }, i) =>
    clients.map(({ clientId: column }, j) => ({
      row,
      column,
      cosine: cosineOf(matrices[i], matrices[j]),
      overlap: frobenius(multiplyTN(spaces[i], spaces[j])) ** 2 / rank,
    })),
  );
  const names = clients.map(({ clientId }) => clientId);
  const counts = ["benign", ...attackNames].map(
    (truth) => clients.filter((client) => client.truth === truth).length,
  );
  const starts = [0, counts[0], counts[0] + counts[1]];
  const marks = [
    ...["benign", "colluders", "noise"].map((text, k) => ({
      data: { values: [{}] },
      mark: { type: "text", text, fontSize: 10, baseline: "bottom", color: mutedColour },
      encoding: {
        x: { value: ((starts[k] + counts[k] / 2) * side) / names.length },
        y: { value: -4 },
      },
    })),
    ...starts
      .slice(1)
      .flatMap((start) => [
        edge(names[start], { xOffset: -7.5 }, "y", "height"),
        edge(names[start], { yOffset: -7.5 }, "x", "width"),
      ]),
  ];
  const panel = (field, title, domain, scheme) =>
    readSpec("align", { title, names, layer: [cells(field, domain, scheme), ...marks] });
  return {
    data: { values },
    hconcat: [
      panel("cosine", "cosine of two updates as vectors", [-1, 1], "blueorange"),
      panel("overlap", "overlap of the spaces of their columns", [0, 1], "greys"),
    ],
    spacing: 30,
    resolve: { scale: { color: "independent" } },
  };
}

function cells(field, domain, scheme) {
  const legend = { title: null, orient: "right", gradientLength: 120, tickCount: 3 };
  return {
    mark: "rect",
    encoding: { color: { field, type: "quantitative", scale: { domain, scheme }, legend } },
  };
}

/** A line before the first client of a group. */
function edge(name, offset, axis, end) {
  return {
    transform: [{ filter: `datum.row === '${name}' && datum.column === '${name}'` }],
    mark: { type: "rule", color: ink, strokeWidth: 1, ...offset },
    encoding: { [axis]: { value: 0 }, [`${axis}2`]: { value: end } },
  };
}

function cosineOf(a, b) {
  const inner = a.data.reduce((total, x, i) => total + x * b.data[i], 0);
  return inner / frobenius(a) / frobenius(b);
}

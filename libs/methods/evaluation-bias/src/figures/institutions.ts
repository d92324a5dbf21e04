import type { FigureInput, TaskFigure } from "@fedclair/core";
import {
  grey,
  outlineInk,
  parseOptions,
  listPanels,
  plotWidth,
  type ArmFindings,
} from "./arm-findings.js";

/**
 * Draws every institution's own fit by panel, and marks which ones the main arm pooled and which it
 * left out.
 */
export function institutionFigure(
  input: FigureInput,
  armFindings: readonly ArmFindings[],
): readonly TaskFigure[] {
  const [main] = armFindings;
  if (main === undefined || main.findings.institutions.length === 0) return [];
  const { titles, simulated } = listPanels(parseOptions(input), armFindings);
  const values = main.findings.institutions.map(({ kept, panel, alpha, tau }) => ({
    alpha,
    tau,
    panel: titles[panel],
    verdict: kept ? "kept" : "left out",
  }));
  const marks = titles.flatMap((panel, j) => {
    const fit = main.findings.panels[j];
    const evaluator = simulated[j];
    return [
      ...(evaluator ? [{ panel, verdict: "as simulated", ...evaluator }] : []),
      ...(fit?.status === "OK"
        ? [{ panel, verdict: "pooled", alpha: fit.alpha, tau: fit.tau }]
        : []),
    ];
  });
  const columns = Math.min(4, titles.length);
  const domain = ["kept", "left out", "pooled", ...(simulated.length > 0 ? ["as simulated"] : [])];
  return [
    {
      name: "institutions",
      title: "The institutions' own fits",
      caption: `Alpha and tau that fit each institution's panel separately. Institutions that fabricate may still have a fit, away from the others. Colours: left out or pooled by ${main.label}. Fits outside the model are not drawn.`,
      spec: {
        data: { values: [...values, ...marks] },
        facet: { field: "panel", type: "nominal", sort: null },
        columns,
        spacing: 14,
        spec: {
          width: plotWidth(input, columns),
          height: 150,
          mark: { type: "point", size: 40, strokeWidth: 1.4 },
          encoding: {
            x: {
              field: "tau",
              type: "quantitative",
              title: "tau, nats",
              scale: { zero: false },
              axis: { tickCount: 4 },
            },
            y: {
              field: "alpha",
              type: "quantitative",
              scale: { type: "log" },
              axis: { values: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50], format: "~g" },
            },
            color: {
              field: "verdict",
              type: "nominal",
              scale: { domain, range: [grey, "#d55e00", main.colour, outlineInk] },
            },
            shape: {
              field: "verdict",
              type: "nominal",
              scale: { domain, range: ["circle", "triangle-up", "diamond", "cross"] },
            },
          },
        },
      },
    },
  ];
}

// The figures of CLAIR's page.
import { mean } from "@fedclair/linalg";
import { linePanel, number, row, series } from "../../../studies/papers/figures.js";
import { fairJudges } from "../../../studies/clair/theory/decompose.js";
import { groupBy } from "../../../studies/support/group-by.js";
import { files, predictRefined, predictSine, readSetting, tilt } from "./theory.js";
import { withLabels } from "../../../studies/papers/runs.js";

const log = { scale: { type: "log" } };
const share = { scale: { domain: [0, 1] } };

/** Means of quantities by a setting, in the form of a figure: one series a quantity. */
function meansBy(runs, settingOf, quantities) {
  return [...groupBy(runs, settingOf)].flatMap(([x, own]) =>
    Object.entries(quantities).map(([name, read]) => ({ x, name, y: mean(own.map(read)) })),
  );
}

/** A dashed line through points, above the other lines. */
function dashed(values) {
  const encoding = {
    x: { field: "x", type: "quantitative" },
    y: { field: "y", type: "quantitative" },
  };
  const mark = { type: "line", strokeDash: [4, 3], color: "#000000", strokeWidth: 1 };
  return { data: { values }, mark, encoding };
}

/** Shares of federations with the exact set, one series a kind of runs. */
function exactShares(runs, xOf, seriesOf) {
  return [...groupBy(runs, (run) => `${xOf(run)} ${seriesOf(run)}`).values()].map((own) => ({
    x: xOf(own[0]),
    name: seriesOf(own[0]),
    y: mean(own.map(({ measures }) => measures.exact)),
  }));
}

const judgeOf = (run) => run.at("judge");
const colour = (names) => series("name", names);

export const figure = {
  files: [files.consistency, files.estimation],
  draw: ([consistency, estimation]) => {
    const noise = withLabels(estimation, { study: "noise" });
    const noiseOf = (run) => Number(run.at("noise"));
    const samples = withLabels(estimation, { study: "samples" });
    const degreesOf = (run) => readSetting(run).degrees;
    return row(
      linePanel(
        "federations with the exact set",
        exactShares(consistency, ({ measures }) => measures.distance, judgeOf),
        {
          x: number("x", "distance of contaminated clients", { scale: { zero: false } }),
          y: number("y", "share of federations", share),
          color: colour([...fairJudges, "limit"]),
        },
      ),
      linePanel(
        "tilt of the space (dashed: predicted)",
        meansBy(noise, noiseOf, { "largest sine": ({ measures }) => measures.sine }),
        {
          x: number("x", "noise", { ...log, values: [0.0025, 0.005, 0.01, 0.02] }),
          y: number("y", "largest sine", { ...log, values: [0.003, 0.01, 0.03] }),
          color: colour(["largest sine"]),
        },
        [dashed(meansBy(noise, noiseOf, { predicted: (run) => tilt * predictSine(run) }))],
      ),
      linePanel(
        "error of clients (dashed: predicted)",
        meansBy(samples, degreesOf, {
          alone: ({ measures }) => measures.own,
          refined: ({ measures }) => measures.refined,
        }),
        {
          x: number("x", "samples − features − 1", { ...log, values: [20, 50, 100, 200] }),
          y: number("y", "squared error", { ...log, values: [0.0002, 0.001, 0.005] }),
          color: colour(["alone", "refined"]),
        },
        [dashed(meansBy(samples, degreesOf, { predicted: predictRefined }))],
      ),
    );
  },
};

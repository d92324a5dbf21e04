// npm run lab -- bench-scale: measures how CLAIR's time grows with clients, rank, rows and modules.
// It prints a table and writes docs/images/clair-scale.png.
import { writeFile } from "node:fs/promises";
import { drawSvg } from "@fedclair/view/draw";
import { drawPng } from "@fedclair/view/draw-png";
import { scale } from "./suites/clair.js";

const settings = {
  clients: "K clients; p = q = 1024, r = 8",
  rank: "rank r; p = q = 1024, K = 64",
  rows: "p = q rows; r = 8, K = 64",
  modules: "modules; p = q = 256, r = 8, K = 32",
};

const points = await scale();
for (const [size, setting] of Object.entries(settings)) {
  const own = points.filter((point) => point.size === size);
  console.log(`${setting}: exponent ${own[0].exponent.toFixed(2)}`);
  console.log(`  ${own.map(({ value, ms }) => `${value}: ${ms.toFixed(0)} ms`).join("  ")}`);
}

const log = (field, title) => ({
  field,
  title,
  type: "quantitative",
  scale: { type: "log", nice: false },
});
const panel = (size) => ({
  title: { text: settings[size], fontSize: 11, fontWeight: "normal", anchor: "start" },
  transform: [{ filter: { field: "size", equal: size } }],
  width: 190,
  height: 160,
  mark: { type: "line", point: { filled: true, size: 40 }, color: "#0072b2" },
  encoding: {
    x: {
      ...log("value", null),
      axis: {
        values: points.filter((p) => p.size === size).map((p) => p.value),
        labelOverlap: true,
        labelSeparation: 6,
        grid: false,
        format: "d",
      },
    },
    y: { ...log("ms", "milliseconds"), axis: { tickCount: 4 } },
  },
});
const spec = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  config: {
    font: "Arimo, Arial, sans-serif",
    view: { stroke: null },
    axis: { titleFontWeight: "normal", gridColor: "#dddddd" },
  },
  data: { values: points },
  hconcat: Object.keys(settings).map(panel),
};
await writeFile("docs/images/clair-scale.png", drawPng(await drawSvg(spec)));

// npm run lab -- clair-figures [--out FOLDER]: draws the figures of docs/clair.md.
// It runs trials in memory and reads the real adapters in libs/audit/fixtures.
import { stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { figureConfig } from "@fedclair/view";
import { drawSvg } from "@fedclair/view/draw";
import { drawPng } from "@fedclair/view/draw-png";
import { parseArguments } from "../../scripts/arguments.js";
import { alignFigure } from "./figures/align.js";
import { decompositionFigure } from "./figures/decomposition.js";
import { evidenceFigure } from "./figures/evidence.js";
import { refinementFigure } from "./figures/refinement.js";
import { searchFigure } from "./figures/search.js";
import { ink } from "./figures/spec.js";
import { runInMemory, runStudy } from "./figures/study.js";

const { values: args } = parseArguments({
  options: { out: { type: "string", default: "docs/images" } },
});

if (!(await isFolder(args.out))) {
  console.error(`error: --out: expected a folder that exists, got '${resolve(args.out)}'`);
  process.exit(2);
}

await loadBackend("wasm");
const plugins = await loadBuiltIn();
const study = await runStudy(plugins);
const loses = await runInMemory("denoising/heterogeneity", plugins, ["holdBack=0"]);
await draw("clair-align", alignFigure(study));
await draw("clair-search", await searchFigure(study));
await draw("clair-decomposition", await decompositionFigure(study));
await draw("clair-evidence", await evidenceFigure());
await draw("clair-refinement", refinementFigure(study, loses));
process.exit(0); // linear algebra and CLAIR leave threads behind

async function isFolder(path) {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() ?? false;
}

async function draw(name, spec) {
  const base = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: {
      ...figureConfig,
      title: { ...figureConfig.title, color: ink, fontSize: 12, frame: "group" },
    },
  };
  const file = join(args.out, `${name}.png`);
  const png = drawPng(await drawSvg({ ...base, ...spec }));
  await writeFile(file, png);
  console.log(`${file}: ${Math.ceil(png.length / 1000)} kB`);
}

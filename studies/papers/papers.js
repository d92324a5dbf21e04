// npm run lab -- papers [--only PAPER]… [--long] [--jobs N] [--runs FOLDER]: runs the sweeps that
// test the papers' claims, skipping finished runs, and writes the numbers, tables and figures of
// their pages. Sweeps that take minutes run with --long only; without it their last results stay,
// as do those of claims whose data or Python packages cannot be fetched.
// It exits with 1 if a claim has another verdict than before.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { figureConfig } from "@fedclair/view";
import { drawSvg } from "@fedclair/view/draw";
import { formatEstimate, meanInterval } from "@fedclair/runs";
import { format } from "prettier";
import { parseArguments } from "../../scripts/arguments.js";
import { papers } from "./catalogue.js";
import { estimate, judge } from "./judge.js";
import { addMotion } from "./moving.js";
import {
  claimTable,
  countTable,
  fillBlock,
  listFigures,
  overviewTable,
  pageOf,
  readme,
  resultsOf,
} from "./pages.js";
import { readMeasured, readRuns, runModule, runSweep } from "./runs.js";
import { markdown } from "../support/text.js";

const { values: args } = parseArguments({
  options: {
    only: { type: "string", multiple: true, default: papers.map(({ name }) => name) },
    long: { type: "boolean", default: false },
    jobs: { type: "string", default: "1" },
    runs: { type: "string", default: "runs/papers" },
  },
});
const unknown = args.only.find((name) => papers.every((paper) => paper.name !== name));
if (unknown !== undefined) {
  const names = papers.map(({ name }) => name).join(", ");
  console.error(`error: --only: no paper '${unknown}': expected one of ${names}`);
  process.exit(2);
}
process.chdir(resolve(import.meta.dirname, "../.."));

/** Runs by sweep file; undefined for a long sweep that has not been run here. */
const runsByFile = new Map();
/** Results of claims by paper. */
const allResults = new Map();
let changed = 0;
for (const paper of papers) {
  const before = JSON.parse(await readFile(resultsOf(paper), "utf8").catch(() => "{}"));
  const results = { ...before };
  allResults.set(paper, results);
  if (!args.only.includes(paper.name)) continue;
  await measurePaper(paper, before, results);
  await writeFile(resultsOf(paper), await format(JSON.stringify(results), { parser: "json" }));
}
await fill(readme, {
  verdicts: countTable(papers, allResults),
  claims: overviewTable(papers, allResults),
});
process.exitCode = changed > 0 ? 1 : 0;

async function measurePaper(paper, before, results) {
  for (const claim of paper.claims) {
    const runs = await openRuns(claim);
    if (runs === undefined) continue;
    const { name, measure, expected } = claim;
    const result = estimate(measure(runs));
    results[name] = result;
    const verdict = judge(result, expected);
    const former = before[name] && judge(before[name], expected);
    if (former !== undefined && former !== verdict) changed++;
    const note = former === undefined || former === verdict ? "" : ` (before: ${former})`;
    console.log(`${paper.name}/${name}: ${verdict}${note}`);
  }
  const blocks = { claims: claimTable(paper, results) };
  for (const [name, { files, columns, rows }] of listTables(paper)) {
    const tableRuns = files.map((file) => runsByFile.get(file));
    if (tableRuns.some((runs) => runs === undefined)) continue;
    blocks[name] = markdown([columns, ...(await rows(tableRuns, formatValues))]);
  }
  await fill(pageOf(paper), blocks);
  for (const { path, files, draw, moves } of listFigures(paper)) {
    const figureRuns = files.map((file) => runsByFile.get(file));
    if (figureRuns.some((runs) => runs === undefined)) continue;
    await writeFigure(path, await draw(figureRuns), moves);
  }
}

/**
 * Runs a claim's sweep or module once.
 * @returns undefined for a long one that is neither wanted nor there, and if something that it
 * needs cannot be fetched
 */
async function openRuns({ file, time, prepare }) {
  if (!runsByFile.has(file)) {
    const isModule = file.endsWith(".js");
    const out = join(args.runs, basename(file, isModule ? ".js" : ".yaml"));
    if (time === undefined || args.long) {
      try {
        await prepare?.();
        if (isModule) await runModule(file, out);
      } catch (error) {
        console.log(`${file}: skipped, its last results stay: ${error.message}`);
        runsByFile.set(file, undefined);
        return undefined;
      }
      if (!isModule) await runSweep(file, out, { jobs: Number(args.jobs) });
    }
    runsByFile.set(file, isModule ? await readMeasured(out) : readRuns(out));
  }
  return runsByFile.get(file);
}

/** Lists the tables of a page by the name of their block. */
function listTables({ table, tables }) {
  return Object.entries({ ...(table && { table }), ...tables });
}

async function fill(file, blocks) {
  let text = await readFile(file, "utf8");
  for (const [name, table] of Object.entries(blocks)) text = await fillBlock(text, name, table);
  await writeFile(file, text);
}

async function writeFigure(file, spec, moves = false) {
  await mkdir(dirname(file), { recursive: true });
  const config = { ...figureConfig, background: "#ffffff" };
  const $schema = "https://vega.github.io/schema/vega-lite/v6.json";
  const svg = await drawSvg({ $schema, config, ...spec });
  await writeFile(file, moves ? addMotion(svg) : svg);
  console.log(file);
}

function formatValues(values) {
  return formatEstimate(meanInterval(values));
}

// npm run lab -- papers [--only PAPER]… [--claim NAME]… [--long] [--strict] [--write] [--seeds N]
// [--jobs N] [--runs FOLDER]: runs the sweeps that test the papers' claims, skipping finished runs
// of the same code, and compares the results with those of the pages. With --write it writes the
// numbers, tables and figures of the pages instead. With --seeds each takes N seeds, for a quick
// look: then only a claim that does not hold although its page says otherwise is an error.
//
// Sweeps that take minutes run with --long only. A claim whose data or Python packages cannot be
// fetched is skipped; with --strict that is an error. The exit code is 1 if a claim has another
// result than its page says, or is skipped although it must not be.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { figureConfig } from "@fedclair/view";
import { drawSvg } from "@fedclair/view/draw";
import { parseArguments } from "../../scripts/arguments.js";
import { formatAs } from "../../scripts/format.js";
import { Fault } from "../../scripts/python-folder.js";
import { papers } from "./catalogue.js";
import { estimate } from "./judge.js";
import { addMotion } from "./moving.js";
import {
  claimTable,
  countTable,
  describe,
  fillBlock,
  formatValues,
  listFigures,
  overviewTable,
  pageOf,
  readme,
  resultsOf,
} from "./pages.js";
import { keyOf } from "./run-key.js";
import { readMeasured, readRuns, runModule, runSweep, withLabels } from "./runs.js";
import { markdown } from "../support/text.js";

const { values: args } = parseArguments({
  options: {
    only: { type: "string", multiple: true, default: papers.map(({ name }) => name) },
    claim: { type: "string", multiple: true },
    long: { type: "boolean", default: false },
    strict: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    jobs: { type: "string", default: "1" },
    runs: { type: "string", default: "runs/papers" },
    seeds: { type: "string" },
  },
});
const chosen = papers.filter(({ name }) => args.only.includes(name));
const claims = chosen.flatMap((paper) => paper.claims);
const seeds = args.seeds === undefined ? undefined : Number(args.seeds);
if (args.write && seeds !== undefined) {
  console.error("error: --write needs all seeds: leave out --seeds");
  process.exit(2);
}
check("only", args.only, "paper", papers);
check("claim", args.claim ?? [], "claim", claims);
process.chdir(resolve(import.meta.dirname, "../.."));

/** Runs by sweep file; undefined for a sweep that is skipped. */
const runsByFile = new Map();
/** Results of claims by paper. */
const allResults = new Map();
let wrong = 0;
for (const paper of papers) {
  const before = JSON.parse(await readFile(resultsOf(paper), "utf8").catch(() => "{}"));
  const known = paper.claims.filter(({ name }) => before[name] !== undefined);
  const results = Object.fromEntries(known.map(({ name }) => [name, before[name]]));
  allResults.set(paper, results);
  if (!chosen.includes(paper)) continue;
  await measurePaper(paper, before, results);
  if (!args.write) continue;
  await writePaper(paper, results);
  await writeFile(resultsOf(paper), await formatAs("results.json", JSON.stringify(results)));
}
if (args.write) {
  await fill(readme, {
    verdicts: countTable(papers, allResults),
    claims: overviewTable(papers, allResults),
  });
}
process.exitCode = wrong > 0 ? 1 : 0;

function check(option, given, what, known) {
  const unknown = given.find((name) => known.every((one) => one.name !== name));
  if (unknown === undefined) return;
  const names = known.map(({ name }) => name).join(", ");
  console.error(`error: --${option}: no ${what} '${unknown}': expected one of ${names}`);
  process.exit(2);
}

async function measurePaper(paper, before, results) {
  for (const claim of paper.claims) {
    const { name, time, measure } = claim;
    if (args.claim !== undefined && !args.claim.includes(name)) continue;
    if (time !== undefined && !args.long) continue;
    const runs = await openRuns(claim, paper);
    if (runs === undefined) {
      if (args.strict) wrong++;
      console.log(`${paper.name}/${name}: skipped`);
      continue;
    }
    try {
      results[name] = estimate(measure(withLabels(runs, claim.reads)));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      wrong++;
      console.log(`${paper.name}/${name}: error: ${error.message}`);
      continue;
    }
    const now = describe(claim, results);
    const former = describe(claim, before);
    // Seconds differ from machine to machine, so only their verdict is compared.
    const keys = claim.isTimed ? ["verdict"] : ["verdict", "measured"];
    const differs =
      seeds === undefined
        ? keys.some((key) => now[key] !== former[key])
        : now.verdict === "_does not hold_" && former.verdict !== now.verdict;
    if (differs && !args.write) wrong++;
    const note = differs ? `; before: ${former.verdict} ${former.measured}` : "";
    console.log(`${paper.name}/${name}: ${now.verdict} ${now.measured}${note}`);
  }
}

/** Writes the tables and figures of a page whose runs are there. */
async function writePaper(paper, results) {
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
 * @returns undefined if something that it needs cannot be fetched
 */
async function openRuns({ file, prepare }, { folder }) {
  if (!runsByFile.has(file)) {
    const isModule = file.endsWith(".js");
    const name = basename(file, isModule ? ".js" : ".yaml");
    const few = seeds === undefined ? "" : `-${seeds}-seeds`;
    const reads = isModule ? listReads(file) : undefined;
    const parts = new Set(reads?.map((labels) => `-${Object.values(labels).join("-")}`));
    const some = [...parts].join("");
    const out = join(args.runs, name, `${keyOf(file, folder)}${few}${some}`);
    try {
      await prepare?.();
    } catch (error) {
      return skip(file, error);
    }
    try {
      if (isModule) await runModule(file, out, { seeds, reads });
    } catch (error) {
      if (error instanceof Fault) return skip(file, error);
      throw error;
    }
    const set = seeds === undefined ? [] : [`seeds=${seeds}`];
    if (!isModule) await runSweep(file, out, { set, jobs: Number(args.jobs) });
    runsByFile.set(file, isModule ? await readMeasured(out) : readRuns(out));
  }
  return runsByFile.get(file);
}

/**
 * Lists the labels of the runs that the claims of --claim read.
 * @returns undefined if all runs of the file are needed: by a claim, or for a table
 */
function listReads(file) {
  const readers = claims.filter((claim) => claim.file === file && args.claim?.includes(claim.name));
  const isPart = !args.write && readers.length > 0 && readers.every(({ reads }) => reads);
  return isPart ? readers.map(({ reads }) => reads) : undefined;
}

function skip(file, { message }) {
  console.log(`${file}: skipped, its last results stay: ${message}`);
  runsByFile.set(file, undefined);
  return undefined;
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

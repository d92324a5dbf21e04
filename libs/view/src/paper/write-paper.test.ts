import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTrialSource } from "@fedclair/core/internal";
import { toyPlugins } from "@fedclair/core/testing";
import {
  computeResults,
  openSweepFolder,
  parseSweep,
  readStoredSweep,
  runSweep,
  runSweepTrial,
  type Summary,
} from "@fedclair/runs";
import { drawPdf } from "../figures/draw-pdf.js";
import { toLatex } from "./latex-text.js";
import { writePaper } from "./write-paper.js";

const file = `
name: small
claim: "Sums & shares: 50 % of {all}."
seeds: 2
rounds: 1
clients: 4
task: { name: toy }
aggregator: { name: toy-mean }
attacks:
  - []
  - [{ attack: { name: toy-shift }, count: 1 }]
sweep: { rows: attacks, measures: [distance] }
`;

describe("the files for a paper", function () {
  this.timeout(60_000);
  let root: string;
  let files: readonly string[];
  const folder = () => join(root, "small");
  const read = (path: string) => readFile(join(root, "paper", path), "utf8");
  const open = () => readStoredSweep(folder()) ?? assert.fail("no sweep");
  const summaries = new Map<string, Summary>();

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "paper-"));
    const sweep = parseSweep(readTrialSource(file, "s.yaml"), toyPlugins);
    const placed = await openSweepFolder(folder(), sweep, { file: "/s.yaml", set: [] });
    const run = (trial: (typeof sweep.trials)[number]) =>
      runSweepTrial(trial, folder(), new AbortController().signal, { name: "cpu", why: "a test" });
    for await (const { trial, outcome } of runSweep(placed, { run, jobs: 1 })) {
      assert.ok(!("failed" in outcome));
      summaries.set(trial.id, outcome);
    }
    const grid = open();
    files = await writePaper(
      folder(),
      { grid, results: computeResults(grid, summaries) },
      join(root, "paper"),
      { author: "A. Author", organization: "Somewhere <https://example.org>" },
    );
  });
  after(() => rm(root, { recursive: true }));

  it("have a table by booktabs and the exact settings", async () => {
    const tables = await read("tables.tex");
    assert.match(
      tables,
      /\\toprule\n & distance \\\\\n\\midrule\nnone & [\d.]+ \$\\pm\$ [\d.]+ \(2\)/,
    );
    const methods = await read("methods.tex");
    assert.match(methods, /^We ran 4 federated trials with fedclair [\d.]+ \(backend cpu\)\.$/m);
    assert.match(methods, /^Attacks: toy-shift by 1 client\.$/m);
    assert.match(methods, /^Seeds: 1, 2\.$/m);
  });

  it("are described by RO-Crate metadata with the hash of every file", async () => {
    const crate = JSON.parse(await read("ro-crate-metadata.json")) as {
      "@graph": readonly Readonly<Record<string, unknown>>[];
    };
    const described = crate["@graph"].filter((one) => one["@type"] === "File");
    assert.equal(described.length + 1, files.length);
    for (const { "@id": id, sha256 } of described) {
      const content = await readFile(join(root, "paper", String(id)));
      assert.equal(sha256, createHash("sha256").update(content).digest("hex"));
    }
    const set = crate["@graph"].find((one) => one["@id"] === "./");
    assert.deepEqual(set?.author, { "@id": "#author" });
    assert.deepEqual(set.publisher, { "@id": "https://example.org" });
    assert.match(await read("sha256sums.txt"), /^[0-9a-f]{64} {2}paper\.tex$/m);
  });

  it("have the same bytes again, and are not overwritten", async () => {
    const grid = open();
    const results = computeResults(grid, summaries);
    await assert.rejects(
      writePaper(folder(), { grid, results }, join(root, "paper")),
      /exists: choose another --out/,
    );
    await writePaper(folder(), { grid, results }, join(root, "again"));
    for (const path of files.filter((one) => !one.endsWith("ro-crate-metadata.json"))) {
      const again = path.replace(join(root, "paper"), join(root, "again"));
      assert.deepEqual(await readFile(again), await readFile(path), path);
    }
  });

  it("are not written of a sweep that is not finished", async () => {
    const grid = open();
    const results = computeResults(grid, new Map());
    await assert.rejects(
      writePaper(folder(), { grid, results }, join(root, "early")),
      /4 of 4 runs have no results: finish the sweep/,
    );
  });

  it("are compiled by pdflatex", function () {
    if (spawnSync("pdflatex", ["--version"]).error) {
      console.log("      skipped: pdflatex is missing (Debian: texlive-latex-recommended)");
      this.skip();
    }
    const args = ["-interaction=nonstopmode", "-halt-on-error", "paper.tex"];
    const out = execFileSync("pdflatex", args, {
      cwd: join(root, "paper"),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    assert.match(out, /Output written on paper\.pdf/);
    assert.doesNotMatch(out, /Overfull/);
  });
});

describe("a text for LaTeX", () => {
  it("has no character with a meaning of its own", () => {
    assert.equal(toLatex("a_b 5 % {x} ± 1 – ü 漢"), "a\\_b 5~\\% \\{x\\} $\\pm$ 1 -- ü ?");
  });
});

describe("a figure as PDF", () => {
  it("has the paths of the SVG in points, and a table of where its objects begin", () => {
    const pdf = drawPdf(
      '<svg width="40" height="20" xmlns="http://www.w3.org/2000/svg"><g opacity="0.5"><path d="M0 0L10 5" stroke="#ff0000" fill="none"/></g></svg>',
    );
    assert.match(pdf, /\/MediaBox \[0 0 30 15\]/);
    assert.match(pdf, /0\.75 0 0 -0\.75 0 15 cm/);
    assert.match(pdf, /\/O0_5 gs\n1 0 0 RG 1 w\n[^]*0 0 m\n10 5 l\nS/);
    const start = Number(/startxref\n(\d+)/.exec(pdf)?.[1]);
    assert.equal(pdf.slice(start, start + 4), "xref");
    const [first = 0] = [...pdf.matchAll(/^(\d{10}) 00000 n $/gm)].map(([, at]) => Number(at));
    assert.equal(pdf.slice(first, first + 7), "1 0 obj");
  });
});

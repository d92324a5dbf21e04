import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { savePool } from "./support/adapter-pools.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { requirePython } from "./support/python.js";

const run = promisify(execFile);

/** Loads a module of a script, which is plain JavaScript. */
function load<T>(path: string): Promise<T> {
  return import(pathToFileURL(join(workspace, "studies/adapters", path)).href) as Promise<T>;
}

interface Client {
  readonly name: string;
  readonly isContaminated: boolean;
  readonly status: string;
  readonly score: number;
}

interface Detector {
  readonly title: string;
  readonly result: readonly (readonly { readonly name: string; readonly adapters: Client[] }[])[];
  readonly seconds: number;
  readonly megabytes: number;
}

describe("the tables of detectors", () => {
  const client = (name: string, status: string, score: number): Client => {
    return { name, isContaminated: name.startsWith("bad-"), status, score };
  };
  const pool = [
    { name: "clean", adapters: [client("a", "benign", 0), client("b", "undecided", 1)] },
    {
      name: "sign",
      adapters: [
        client("a", "contaminated", 2),
        client("b", "benign", 0),
        client("bad-sign-1", "contaminated", 3),
        client("bad-sign-2", "benign", 1),
      ],
    },
  ];
  const detectors: Detector[] = [
    { title: "d", result: [pool, pool], seconds: 1.25, megabytes: 99.6 },
  ];

  it("count verdicts, and have intervals over pools", async () => {
    const { detectorsTable } = await load<{ detectorsTable: (of: Detector[]) => string }>(
      "detectors/table.js",
    );
    // In `sign`, three of four pairs are won: 3 is above 2 and 0, and 1 is above 0.
    const row =
      "| d | 2, 0, 2 | 50 (50–50) % | 50 (50–50) % | 0 of 2 | 2 of 4: 50 (50–50) % | 2 of 8 | 0.750 (0.750–0.750), 0.750 | 1.3 | 100 |";
    assert.equal(detectorsTable(detectors).split("\n").at(-1), row);
  });

  it("count what is flagged of each attack", async () => {
    const { attacksTable } = await load<{ attacksTable: (of: Detector[]) => string }>(
      "detectors/table.js",
    );
    assert.equal(attacksTable(detectors).split("\n").at(-1), "| sign | 2 of 4 |");
  });

  it("draw whole pools for an interval", async () => {
    const { bootstrap } = await load<{ bootstrap: (pools: number[][]) => number[] }>(
      "detectors/table.js",
    );
    // Each draw has two pools: a quarter of the draws has the mean 0, a half 1/2 and a quarter 1.
    const none = [0, 2];
    const all = [2, 2];
    assert.deepEqual(bootstrap([none, all]), [0, 1]);
    assert.deepEqual(bootstrap([all, all]), [1, 1]);
  });
});

describe("the thresholds of detectors", () => {
  it("come from the clean piles of other pools", async () => {
    const { makeThresholds, toStatus } = await load<{
      makeThresholds: (largest: number[][]) => { upper: number; lower: number };
      toStatus: (score: number, limits: { upper: number; lower: number }) => string;
    }>("detectors/thresholds.js");
    const upTo = (n: number) => Array.from({ length: 101 }, (_, i) => (i * n) / 100);
    // The 0.95 quantiles are 95 and 190, and 0.85 of the way between them is 175.75.
    const limits = makeThresholds([upTo(100), upTo(200)]);
    assert.deepEqual(limits, { upper: 175.75, lower: 75 });
    assert.equal(toStatus(176, limits), "contaminated");
    assert.equal(toStatus(76, limits), "undecided");
    assert.equal(toStatus(75, limits), "benign");
  });
});

describe("npm run lab -- detectors with Python", function () {
  this.timeout(300_000);
  requirePython("detectors");

  it("compares fedclair with four others on the same piles", async () => {
    const folder = await temporaryFolder();
    // The shipped bank was made from pools with these names, so it is not tried.
    for (const [seed, name] of ["python-even", "perl-even"].entries()) {
      await savePool(join(folder, name), seed);
    }
    const script = join(workspace, "studies/adapters/detectors.js");
    const { stdout } = await run(
      process.execPath,
      [script, "--pools", folder, "--piles", "clean,all"],
      { cwd: workspace },
    );
    const rows = stdout.split("\n").filter((line) => line.includes(" of 4: "));
    assert.deepEqual(
      rows.map((row) => row.split(" | ")[0]),
      [
        "| `fedclair audit`, bank of the other pools",
        "| a plain sum of four robust z",
        "| spectral numbers (arXiv 2602.15195)",
        "| features of adaptersentry",
        "| verdicts of adaptersentry",
      ],
    );
    assert.match(rows.at(-1) ?? "", /\| 0, 0, 12 \|/); // it has nothing to compare two modules with
    assert.match(stdout, /\| pair \| (\d of 4 \| ){4}0 of 4 \|/);
  });
});

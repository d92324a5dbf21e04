import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadNamedPlugins } from "@fedclair/plugins";
import { parseSweep, readTrialFile } from "@fedclair/runs";
import { fedclair } from "./support/command.js";
import { listShipped } from "./support/shipped.js";
import { createGrid } from "./support/sweeps.js";
import { temporaryFolder, workspace } from "./support/paths.js";

interface Tables {
  readonly tables: readonly {
    rows: string[];
    columns: string[];
    cells: ({ mean: number } | null)[][];
  }[];
}

describe("fedclair sweep", () => {
  it("accepts every shipped sweep", async () => {
    for (const file of await listShipped("sweeps")) {
      const source = readTrialFile(join(workspace, file));
      const { trials } = parseSweep(source, await loadNamedPlugins(source));
      assert.ok(trials.length > 1, file);
    }
  });

  it("compares aggregators under attacks and resumes where it was stopped", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "small.yaml");
    await writeFile(file, createGrid([1], 1));
    const args = ["sweep", file, "--no-report", "--out", join(folder, "out"), "--json"];
    const first = await fedclair(args);
    assert.equal(first.code, 0, first.stderr);
    const { tables } = JSON.parse(first.stdout) as Tables;
    assert.deepEqual(tables[0]?.rows, ["none", "gaussian-update"]);
    for (const [clair, fedavg] of tables[0].cells) {
      assert.ok((clair?.mean ?? NaN) < 1 && (fedavg?.mean ?? NaN) > 1, JSON.stringify(tables));
    }
    const again = await fedclair(args);
    assert.equal(again.stdout, first.stdout);
    assert.equal(again.stderr.match(/done before/g)?.length, 4);
    const two = ["--jobs", "2", "--no-report", "--out", join(folder, "par")];
    const parallel = await fedclair(["sweep", file, ...two]);
    assert.equal(parallel.code, 0, parallel.stderr);
    assert.match(parallel.stderr, /^4\/4 /m);
    const csv = (out: string) => readFile(join(folder, out, "table.csv"), "utf8");
    assert.equal(await csv("par"), await csv("out"));
  });

  it("reports failed trials and missing measures at its end", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "small.yaml");
    const text = `
name: small
rounds: 1
clients: 4
task: { name: denoising, noise: NOISE }
aggregator: { name: fedavg }
`;
    const run = async (noise: string, measure: string) => {
      await writeFile(file, `${text.replace("NOISE", noise)}sweep: { measures: [${measure}] }\n`);
      return fedclair(["sweep", file, "--out", join(folder, "out")]);
    };
    const failed = await run("[0.02, 1e300]", "error.fedavg");
    assert.equal(failed.code, 3, failed.stderr);
    assert.match(failed.stdout, /^1 of 2 trials failed\nreport: /m);
    assert.match(
      failed.stderr,
      /^error: 1 of 2 trials failed\n {2}task\.noise 1e\+300: round 1: 0 of 4/m,
    );

    const misspelt = await run("[0.02, 0.03]", "error.fedag");
    assert.equal(misspelt.code, 2, misspelt.stderr);
    assert.match(
      misspelt.stderr,
      /no trial can have error\.fedag, did you mean 'error\.fedavg'\?$/m,
    );
    const single = await fedclair(["run", file, "--set", "seeds=1"]);
    assert.equal(single.code, 2);
    assert.match(
      single.stderr,
      /describes several trials: use fedclair sweep, or choose one: take its section sweep out of a copy, give one value for each list \(task\.noise\)$/m,
    );
    const bare = await fedclair(["sweep", file, "--out", join(folder, "bare"), "--no-report"]);
    assert.equal(bare.code, 2); // of the misspelt measure, not of the option
    assert.match(bare.stderr, /no trial can have/);
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryFolder, workspace } from "./support/paths.js";

/**
 * Loads a module of a bench. Benches are plain scripts, so only loading them checks their imports.
 */
function load<T = Record<string, (...args: never[]) => unknown>>(path: string): Promise<T> {
  return import(pathToFileURL(join(workspace, "bench", path)).href) as never;
}

interface Comparison {
  readonly rows: readonly { readonly name: string; readonly change: string }[];
  readonly missing: readonly string[];
}

interface MeasuredRow {
  readonly sides: Record<string, { readonly samples: number[]; readonly facts: object }>;
}

function createResult(samples: Record<string, number[]>, machine: object = {}) {
  const rows = Object.entries(samples).map(([name, values]) => {
    return { suite: "s", name, sides: { fedclair: { samples: values, facts: {} } } };
  });
  return { machine: { cpu: "a", cores: 2, node: "v20", ...machine }, rows };
}

function runScript(script: string, ...words: string[]) {
  const args = [join(workspace, "bench", script), ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

describe("a bench", () => {
  for (const file of readdirSync(join(workspace, "bench/suites"))) {
    it(`of ${file} loads what it times`, async () => {
      assert.equal(typeof (await load(`suites/${file}`))["items"], "function");
    });
  }

  it("rejects an unknown option with one line that lists the known ones", () => {
    assert.deepEqual(runScript("run.js", "--bogus"), {
      status: 2,
      output: "error: Unknown option '--bogus': expected --peers, --flower, --times\n",
    });
    for (const script of ["audit.js", "updates.js"]) {
      const { status, output } = runScript(script, "--bogus");
      assert.equal(status, 2);
      assert.match(output, /^error: Unknown option '--bogus': expected --.+\n$/);
    }
  });

  it("of CLAIR flags the contaminated clients and returns times", async () => {
    const { time } = await load("suites/clair.js");
    const size = { p: 64, r: 2, clients: 10 };
    for (const threads of [0, 2]) {
      const times = await time?.(size as never, { times: 1, threads } as never);
      assert.deepEqual(Object.keys(times as object), ["find", "refine"]);
    }
  });

  it("alternates its sides and leaves out the first run of each", async () => {
    const { measure } = await load("harness/measure.js");
    const order: string[] = [];
    const side = (name: string, per: number) => ({
      run: () => {
        order.push(name);
        return { ms: 6 * order.length, facts: { runs: order.length } };
      },
      per,
    });
    const item = { name: "n", sides: { fedclair: side("a", 1), other: side("b", 2) } };
    const row = (await measure?.(item as never, { times: 2 } as never)) as MeasuredRow;
    assert.deepEqual(order, ["a", "b", "b", "a", "a", "b"]);
    assert.deepEqual(row.sides, {
      fedclair: { samples: [24, 30], facts: { runs: 5 } },
      other: { samples: [9, 18], facts: { runs: 6 } },
    });
  });

  it("leaves out a side in Python if there is no Python", async () => {
    const { measure } = await load("harness/measure.js");
    const item = { name: "n", sides: { fedclair: { run: () => 1 }, NumPy: { peer: "robust" } } };
    const row = (await measure?.(item as never, { times: 1 } as never)) as MeasuredRow;
    assert.deepEqual(Object.keys(row.sides), ["fedclair"]);
  });
});

describe("a comparison of two bench results", () => {
  const compare = async (before: object, after: object) =>
    (await load("harness/compare.js"))["compareResults"]?.(
      before as never,
      after as never,
    ) as Comparison;
  const change = async (before: number[], after: number[]) =>
    (await compare(createResult({ r: before }), createResult({ r: after }))).rows[0]?.change;

  it("requires a change of more than three robust deviations of both and more than 5 %", async () => {
    // The deviation of 98, 99, 100, 101, 102 is 1.4826, so a change of 4.4 is noise. So are 5 %.
    assert.equal(await change([98, 99, 100, 101, 102], [98, 99, 104, 105, 106]), "same");
    assert.equal(await change([100, 100, 100, 100, 100], [105, 105, 105, 105, 105]), "same");
    assert.equal(await change([100, 100, 100, 100, 100], [106, 106, 106, 106, 106]), "slower");
    assert.equal(await change([100, 100, 100, 100, 100], [94, 94, 94, 94, 94]), "faster");
    // The deviation of 106, 116, 126, 136, 146 is 14.8. A change of 26 is within three deviations;
    // 46 is not.
    assert.equal(await change([100, 100, 100, 100, 100], [106, 116, 126, 136, 146]), "same");
    assert.equal(await change([100, 100, 100, 100, 100], [126, 136, 146, 156, 166]), "slower");
  });

  it("ignores a single outlier", async () => {
    assert.equal(await change([100, 100, 100, 100, 100], [100, 100, 100, 100, 900]), "same");
  });

  it("shows the other sides, whose code did not change", async () => {
    const sides = (own: number[], other: number[]) => ({
      rows: [
        { suite: "s", name: "r", sides: { fedclair: { samples: own }, NumPy: { samples: other } } },
      ],
    });
    const { rows } = await compare(sides([1, 2, 3], [4, 5, 6]), sides([1, 2, 3], [7, 8, 9]));
    assert.deepEqual(rows, [
      { name: "s: r", before: 2, after: 2, change: "same", others: { NumPy: [5, 8] } },
    ]);
  });

  it("lists rows that only one of them has", async () => {
    const { rows, missing } = await compare(
      createResult({ a: [1], b: [1] }),
      createResult({ b: [1], c: [1] }),
    );
    assert.deepEqual(
      rows.map(({ name }) => name),
      ["s: b"],
    );
    assert.deepEqual(missing, ["s: a", "s: c"]);
  });

  const file = async (name: string, content: unknown) => {
    const path = join(await temporaryFolder(), name);
    await writeFile(path, JSON.stringify(content));
    return path;
  };
  const run = (...files: string[]) => runScript("compare.js", ...files);

  it("exits with 1 if anything got slower, and prints different conditions", async () => {
    const before = await file("a.json", createResult({ slow: [10, 10, 10], same: [1, 1, 1] }));
    const after = await file(
      "b.json",
      createResult({ slow: [15, 15, 15], same: [1, 1, 1] }, { cpu: "b" }),
    );
    assert.deepEqual(run(before, after), {
      status: 1,
      output:
        "different conditions, cpu: a and b: differences below may be due to the machines\n" +
        "slower  s: slow: 10.0, now 15.0 ms (+50 %)\n1 of 2 slower by more than noise\n",
    });
    assert.equal(run(before, before).status, 0);
  });

  it("goes from the earlier to the later one in any order of the arguments", async () => {
    const early = await file("e.json", { ...createResult({ r: [1] }), date: "2026-01-02T03:04" });
    const late = await file("l.json", { ...createResult({ r: [2] }), date: "2026-01-02T03:05" });
    const slower = "slower  s: r: 1.00, now 2.00 ms (+100 %)\n1 of 1 slower by more than noise\n";
    assert.equal(run(early, late).output, slower);
    const swapped =
      "the first file is newer: comparing from 2026-01-02T03:04 to 2026-01-02T03:05\n";
    assert.deepEqual(run(late, early), { status: 1, output: swapped + slower });
  });

  it("prints the number of rows that only one has, and the first of them", async () => {
    const few = await file("f.json", createResult({ r: [1] }));
    const many = await file("m.json", createResult({ r: [1], a: [1], b: [1], c: [1], d: [1] }));
    assert.deepEqual(run(few, many), {
      status: 0,
      output: "only in one of the two, 4: s: a; s: b; s: c; …\n0 of 1 slower by more than noise\n",
    });
  });

  it("fails with one line if the results cannot be compared", async () => {
    const one = await file("o.json", createResult({ r: [1] }));
    const line = /^error: .*\n$/;
    assert.equal(run(one).status, 2);
    const nothing = run(one, await file("n.json", createResult({ other: [1] })));
    assert.equal(nothing.status, 2);
    assert.match(nothing.output, line);
    assert.match(nothing.output, /o\.json and .*n\.json have no row in common/);
    for (const content of [
      {},
      { rows: [] },
      null,
      createResult({ r: [] }),
      { machine: {}, rows: [1] },
    ]) {
      const { status, output } = run(one, await file("c.json", content));
      assert.equal(status, 2);
      assert.match(output, line);
      assert.match(output, /c\.json: expected \{ machine, rows \}, each row with samples/);
    }
  });
});

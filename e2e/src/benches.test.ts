import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryFolder, workspace } from "./support/paths.js";

/** Benches are plain scripts: nothing but a run tells that what they import is there. */
function load<T = Record<string, (...args: never[]) => unknown>>(path: string): Promise<T> {
  return import(pathToFileURL(join(workspace, "bench", path)).href) as never;
}

interface Comparison {
  readonly rows: readonly { readonly name: string; readonly change: string }[];
  readonly missing: readonly string[];
}

interface Measured {
  readonly sides: Record<string, { readonly samples: number[]; readonly facts: object }>;
}

function resultOf(samples: Record<string, number[]>, machine: object = {}) {
  const rows = Object.entries(samples).map(([name, values]) => {
    return { suite: "s", name, sides: { fedclair: { samples: values, facts: {} } } };
  });
  return { machine: { cpu: "a", cores: 2, node: "v20", ...machine }, rows };
}

function called(script: string, ...words: string[]) {
  const args = [join(workspace, "bench", script), ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, said: stdout + stderr };
}

describe("a bench", () => {
  for (const file of readdirSync(join(workspace, "bench/suites"))) {
    it(`of ${file} finds what it times`, async () => {
      assert.equal(typeof (await load(`suites/${file}`))["items"], "function");
    });
  }

  it("says in a line which options it has, where it is given another", () => {
    assert.deepEqual(called("run.js", "--bogus"), {
      status: 2,
      said: "error: Unknown option '--bogus': expected --peers, --flower, --times\n",
    });
    for (const script of ["audit.js", "updates.js"]) {
      const { status, said } = called(script, "--bogus");
      assert.equal(status, 2);
      assert.match(said, /^error: Unknown option '--bogus': expected --.+\n$/);
    }
  });

  it("of CLAIR finds the contaminated, and their time", async () => {
    const { time } = await load("suites/clair.js");
    const size = { p: 64, r: 2, clients: 10 };
    for (const threads of [0, 2]) {
      const taken = await time?.(size as never, { times: 1, threads } as never);
      assert.deepEqual(Object.keys(taken as object), ["find", "refine"]);
    }
  });

  it("runs its sides in turn, and leaves the first run of each out", async () => {
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
    const row = (await measure?.(item as never, { times: 2 } as never)) as Measured;
    assert.deepEqual(order, ["a", "b", "b", "a", "a", "b"]);
    assert.deepEqual(row.sides, {
      fedclair: { samples: [24, 30], facts: { runs: 5 } },
      other: { samples: [9, 18], facts: { runs: 6 } },
    });
  });

  it("leaves a side in Python out where there is none", async () => {
    const { measure } = await load("harness/measure.js");
    const item = { name: "n", sides: { fedclair: { run: () => 1 }, NumPy: { peer: "robust" } } };
    const row = (await measure?.(item as never, { times: 1 } as never)) as Measured;
    assert.deepEqual(Object.keys(row.sides), ["fedclair"]);
  });
});

describe("two results of benches", () => {
  const compare = async (before: object, after: object) =>
    (await load("harness/compare.js"))["compareResults"]?.(
      before as never,
      after as never,
    ) as Comparison;
  const change = async (before: number[], after: number[]) =>
    (await compare(resultOf({ r: before }), resultOf({ r: after }))).rows[0]?.change;

  it("differ where medians do by more than three robust deviations of both, and by more than 5 %", async () => {
    // The deviation of 98, 99, 100, 101, 102 is 1.4826: what moves by 4.4 is noise, and so is what moves by 5 %.
    assert.equal(await change([98, 99, 100, 101, 102], [98, 99, 104, 105, 106]), "same");
    assert.equal(await change([100, 100, 100, 100, 100], [105, 105, 105, 105, 105]), "same");
    assert.equal(await change([100, 100, 100, 100, 100], [106, 106, 106, 106, 106]), "slower");
    assert.equal(await change([100, 100, 100, 100, 100], [94, 94, 94, 94, 94]), "faster");
    // Of 106, 116, 126, 136, 146 it is 14.8: 26 more than before is within three of them; 46 more is not.
    assert.equal(await change([100, 100, 100, 100, 100], [106, 116, 126, 136, 146]), "same");
    assert.equal(await change([100, 100, 100, 100, 100], [126, 136, 146, 156, 166]), "slower");
  });

  it("are compared by one outlier no more than by none", async () => {
    assert.equal(await change([100, 100, 100, 100, 100], [100, 100, 100, 100, 900]), "same");
  });

  it("show how the other sides moved, which did not change", async () => {
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

  it("name rows that one of them lacks", async () => {
    const { rows, missing } = await compare(
      resultOf({ a: [1], b: [1] }),
      resultOf({ b: [1], c: [1] }),
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
  const run = (...files: string[]) => called("compare.js", ...files);

  it("are compared by a command that exits with 1 if anything got slower, and says what was not made alike", async () => {
    const before = await file("a.json", resultOf({ slow: [10, 10, 10], same: [1, 1, 1] }));
    const after = await file(
      "b.json",
      resultOf({ slow: [15, 15, 15], same: [1, 1, 1] }, { cpu: "b" }),
    );
    assert.deepEqual(run(before, after), {
      status: 1,
      said:
        "different conditions, cpu: a and b: differences below may be due to the machines\n" +
        "slower  s: slow: 10.0, now 15.0 ms (+50 %)\n1 of 2 slower by more than noise\n",
    });
    assert.equal(run(before, before).status, 0);
  });

  it("are compared from the earlier one to the later one, in whatever order they are named", async () => {
    const early = await file("e.json", { ...resultOf({ r: [1] }), date: "2026-01-02T03:04" });
    const late = await file("l.json", { ...resultOf({ r: [2] }), date: "2026-01-02T03:05" });
    const slower = "slower  s: r: 1.00, now 2.00 ms (+100 %)\n1 of 1 slower by more than noise\n";
    assert.equal(run(early, late).said, slower);
    const swapped =
      "the first file is newer: comparing from 2026-01-02T03:04 to 2026-01-02T03:05\n";
    assert.deepEqual(run(late, early), { status: 1, said: swapped + slower });
  });

  it("are told of rows that one lacks by their number and the first of them", async () => {
    const few = await file("f.json", resultOf({ r: [1] }));
    const many = await file("m.json", resultOf({ r: [1], a: [1], b: [1], c: [1], d: [1] }));
    assert.deepEqual(run(few, many), {
      status: 0,
      said: "only in one of the two, 4: s: a; s: b; s: c; …\n0 of 1 slower by more than noise\n",
    });
  });

  it("that cannot be compared are an error in a line", async () => {
    const one = await file("o.json", resultOf({ r: [1] }));
    const line = /^error: .*\n$/;
    assert.equal(run(one).status, 2);
    const nothing = run(one, await file("n.json", resultOf({ other: [1] })));
    assert.equal(nothing.status, 2);
    assert.match(nothing.said, line);
    assert.match(nothing.said, /o\.json and .*n\.json have no row in common/);
    for (const content of [
      {},
      { rows: [] },
      null,
      resultOf({ r: [] }),
      { machine: {}, rows: [1] },
    ]) {
      const { status, said } = run(one, await file("c.json", content));
      assert.equal(status, 2);
      assert.match(said, line);
      assert.match(said, /c\.json: expected \{ machine, rows \}, each row with samples/);
    }
  });
});

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { breakModule } from "./support/break-module.js";
import { temporaryFolder, workspace } from "./support/paths.js";

/** Loads a module of `npm run lab -- papers`, which is plain JavaScript. */
function load<T>(path: string): Promise<T> {
  return import(pathToFileURL(join(workspace, "scripts/papers", path)).href) as Promise<T>;
}

interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

type Measured = readonly number[] | { readonly hits: number; readonly of: number };
interface Range {
  readonly min?: number;
  readonly max?: number;
}

const { estimate, judge } = await load<{
  estimate: (measured: Measured) => Estimate;
  judge: (estimate: Pick<Estimate, "low" | "high">, expected: Range) => string;
}>("judge.js");

interface Claim {
  readonly name: string;
  readonly file: string;
  readonly measure: (runs: readonly object[]) => Measured;
  readonly expected: Range;
}
interface Paper {
  readonly name: string;
  readonly claims: readonly Claim[];
}
const { papers } = await load<{ papers: readonly Paper[] }>("catalogue.js");

interface Pages {
  readonly claimTable: (paper: Paper, results: object) => string;
  readonly overviewTable: (papers: readonly Paper[], results: object) => string;
  readonly fillBlock: (text: string, name: string, table: string) => Promise<string>;
  readonly pageOf: (paper: Paper) => string;
  readonly figureOf: (paper: Paper) => string;
  readonly readme: string;
  readonly resultsFile: string;
}
const pages = await load<Pages>("pages.js");

interface Run {
  readonly seed: number;
  readonly at: (path: string) => string;
  readonly measures: Readonly<Record<string, number>>;
}
const runs = await load<{
  runSweep: (
    file: string,
    out: string,
    options: { set: readonly string[]; node: readonly string[] },
  ) => Promise<void>;
  readRuns: (out: string) => readonly object[] | undefined;
  slope: (points: readonly (readonly [number, number])[]) => number;
  runModule: (file: string, out: string) => Promise<void>;
  readMeasured: (out: string) => Promise<readonly Run[] | undefined>;
}>("runs.js");
const { runSweep, readRuns, slope } = runs;

const read = (file: string) => readFileSync(join(workspace, file), "utf8");

describe("a claim's verdict", () => {
  it("follows from where the whole interval lies", () => {
    const interval = { low: 0.8, high: 0.9 };
    assert.equal(judge(interval, { min: 0.8 }), "holds");
    assert.equal(judge(interval, { min: 0.85 }), "cannot be told here");
    assert.equal(judge(interval, { min: 0.95 }), "does not hold");
    assert.equal(judge(interval, { max: 0.7 }), "does not hold");
    assert.equal(judge(interval, { min: 0.8, max: 0.89 }), "cannot be told here");
  });

  it("needs several seeds, or cases to count", () => {
    // Half of the difference, 0.25, times the t of one degree of freedom, 12.706.
    const { mean, low, high, n } = estimate([1, 0.5]);
    assert.deepEqual([mean, n], [0.75, 2]);
    assert.ok(Math.abs(low + 2.4265) < 1e-3 && Math.abs(high - 3.9265) < 1e-3);
    assert.throws(() => estimate([1]), /expected at least two seeds, got 1/);
    // Wilson's interval of all of n starts at n/(n + 1.96²).
    const all = estimate({ hits: 10, of: 10 });
    assert.ok(Math.abs(all.low - 10 / (10 + 1.96 ** 2)) < 1e-4);
  });

  it("may rest on a slope by least squares", () => {
    assert.equal(slope([[0, 1], [1, 3], [2, 5]]), 2); // prettier-ignore
    assert.equal(slope([[0, 0], [1, 3], [2, 0]]), 0); // prettier-ignore
  });
});

describe("docs/papers", () => {
  const results = JSON.parse(read(pages.resultsFile)) as Record<string, Estimate>;

  it("has the numbers of the last run", async () => {
    const overview = pages.overviewTable(papers, results);
    const text = read(pages.readme);
    assert.equal(await pages.fillBlock(text, "claims", overview), text);
    assert.doesNotMatch(overview, /not measured yet/);
    for (const paper of papers) {
      const page = read(pages.pageOf(paper));
      const table = pages.claimTable(paper, results);
      assert.equal(await pages.fillBlock(page, "claims", table), page, paper.name);
    }
  });

  it("has results of no other claims", () => {
    const known = papers.flatMap(({ name, claims }) =>
      claims.map((claim) => `${name}/${claim.name}`),
    );
    assert.deepEqual(Object.keys(results).sort(), known.sort());
  });

  it("has a figure for each paper, and a sweep for each claim", () => {
    for (const paper of papers) {
      assert.match(read(pages.figureOf(paper)), /^<svg /);
      const [, image = ""] = pages.figureOf(paper).split("docs/");
      assert.ok(read(pages.pageOf(paper)).includes(`(../${image})`), paper.name);
      for (const { file } of paper.claims) assert.ok(existsSync(join(workspace, file)), file);
    }
  });
});

interface Broken {
  readonly paper: string;
  readonly claim: string;
  /** The fault that the method gets. */
  readonly how: string;
  /** Overrides that make the sweep small. */
  readonly set: readonly string[];
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const broken: readonly Broken[] = [
  {
    paper: "clair",
    claim: "exact-space",
    how: "its space is fitted to all clients",
    set: [
      "seeds=2",
      "task.rank=2",
      "attacks=[{attack: {name: gaussian-update}, count: 5}]",
      "aggregator.rank=2",
    ],
    file: "clair/subspace/fit.js",
    from: "pick(view.blocks, members), rank, gram ?? view.grams?.sum(members)",
    to: "view.blocks, rank",
  },
  {
    paper: "logspect",
    claim: "recovery",
    how: "its slack is so large that signals have no influence",
    set: ["clients=[1024]", "task.dataSeed=[1, 2]", "task.nodes=12"],
    file: "graph-learning/problem.js",
    from: "c0 * Math.sqrt(",
    to: "1000 * c0 * Math.sqrt(",
  },
  {
    paper: "copy-average",
    claim: "two-ends",
    how: "the flow stops before it arrives",
    set: ["task={name: copy-average, k: 4, n: [1, 2], d: 5, heterogeneity: 0}"],
    file: "copy-average/polish.js",
    from: "return point.x;",
    to: "return start;",
  },
  {
    paper: "bias",
    claim: "alpha",
    how: "the roles of risks above and below are swapped in the fit",
    set: ["seeds=5", "clients=8"],
    file: "evaluation-bias/model/fit.js",
    from: "alpha: etaOver / etaUnder",
    to: "alpha: etaUnder / etaOver",
  },
  {
    paper: "transport",
    claim: "one-step-flow",
    how: "values rise where they should fall",
    set: [
      "seeds=2",
      "rounds=150",
      "task.schedule=150",
      "task.measureEvery=150",
      "task.evaluationSamples=100",
      "task.method=[value, flow-matching]",
      "task.target=[gaussians8]",
    ],
    file: "value-driven-transport/dual-step.js",
    from: "weights.fill(horizon / b, 0, b).fill(-horizon / b, b, 2 * b)",
    to: "weights.fill(-horizon / b, 0, b).fill(horizon / b, b, 2 * b)",
  },
  {
    paper: "alberdice",
    claim: "matrix-return",
    how: "leaving the joint data costs nothing",
    set: ["seeds=2", "task.method=[alberdice]", "task.environment.agents=[2]"],
    file: "alberdice/agent-problem.js",
    from: "penalised: true",
    to: "penalised: false",
  },
  {
    paper: "alberdice",
    claim: "unseen-icq",
    how: "leaving the joint data costs nothing",
    set: ["seeds=3", "task.method=[alberdice, icq]", "task.environment.agents=[3]", "rounds=24"],
    file: "alberdice/agent-problem.js",
    from: "penalised: true",
    to: "penalised: false",
  },
  {
    paper: "lora",
    claim: "fedsa-ffa",
    how: "FedSA-LoRA shares A with the wrong sign",
    set: [
      "seeds=3",
      "rounds=2",
      "clients=3",
      "task.evaluationSequences=64",
      "baselines=[{label: fedsa, aggregator: {name: fedsa-lora}}]",
      "sweep={measures: [accuracy.fedsa]}",
    ],
    file: "aggregators/dist/src/fedsa-lora/index.js",
    from: "own.set(name, { b: update.b, a });",
    to: "own.set(name, { b: update.b, a: { ...a, data: a.data.map((x) => -x) } });",
  },
];

describe("a method that is broken on purpose fails its page", function () {
  this.timeout(120_000);

  async function verdict({ paper, claim: name, set }: Broken, node: readonly string[]) {
    const claims = papers.find((one) => one.name === paper)?.claims;
    const claim = claims?.find((one) => one.name === name) ?? assert.fail(`${paper}/${name}`);
    const out = join(await temporaryFolder(), "out");
    await runSweep(claim.file, out, { set, node });
    const done = readRuns(out) ?? assert.fail("no runs");
    return judge(estimate(claim.measure(done)), claim.expected);
  }

  for (const one of broken) {
    it(`${one.paper}, ${one.claim}: ${one.how}`, async () => {
      assert.equal(await verdict(one, []), "holds");
      const node = breakModule(one.file, one.from, one.to);
      assert.notEqual(await verdict(one, node), "holds");
    });
  }

  it("and all have one", () => {
    assert.deepEqual(
      new Set(papers.map(({ name }) => name)),
      new Set(broken.map(({ paper }) => paper)),
    );
  });
});

describe("a module that measures", () => {
  const { runModule, readMeasured } = runs;

  it("runs once, and its runs are read like those of a sweep", async () => {
    const folder = await temporaryFolder();
    const module = join(folder, "measure.mjs");
    const run = { seed: 3, labels: { solver: "own" }, measures: { seconds: 2 } };
    writeFileSync(module, `export const measure = () => [${JSON.stringify(run)}];`);
    const out = join(folder, "out");
    assert.equal(await readMeasured(out), undefined);
    await runModule(module, out);
    writeFileSync(module, `export const measure = () => { throw new Error("again"); };`);
    await runModule(module, out);
    const [read] = (await readMeasured(out)) ?? [];
    assert.deepEqual([read?.seed, read?.measures["seconds"]], [3, 2]);
    assert.deepEqual([read?.at("solver"), read?.at("nodes")], ["own", ""]);
  });
});

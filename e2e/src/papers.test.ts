import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { breakModule } from "./support/break-module.js";
import { temporaryFolder, workspace } from "./support/paths.js";

/**
 * Loads a module of `npm run lab -- papers`, which is plain JavaScript.
 * @param folder default: of what all papers share
 */
function load<T>(path: string, folder = "studies/papers"): Promise<T> {
  return import(pathToFileURL(join(workspace, folder, path)).href) as Promise<T>;
}

const biasClaims = "libs/methods/evaluation-bias/claims";

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
  readonly time?: string;
  readonly measure: (runs: readonly object[]) => Measured;
  readonly faults?: readonly object[];
  readonly expected: Range;
}
type Format = (values: readonly number[]) => string;
interface Table {
  readonly rows: (runs: readonly (readonly object[])[], format: Format) => readonly string[][];
}
interface Paper {
  readonly name: string;
  readonly claims: readonly Claim[];
  readonly tables?: Readonly<Record<string, Table>>;
}
const { papers } = await load<{ papers: readonly Paper[] }>("catalogue.js");

type Results = Readonly<Record<string, Estimate>>;

interface Pages {
  readonly claimTable: (paper: Paper, results: Results) => string;
  readonly overviewTable: (
    papers: readonly Paper[],
    results: ReadonlyMap<Paper, Results>,
  ) => string;
  readonly countTable: (papers: readonly Paper[], results: ReadonlyMap<Paper, Results>) => string;
  readonly fillBlock: (text: string, name: string, table: string) => Promise<string>;
  readonly formatValues: Format;
  readonly pageOf: (paper: Paper) => string;
  readonly listFigures: (
    paper: Paper,
  ) => readonly { readonly path: string; readonly moves?: boolean }[];
  readonly readme: string;
  readonly resultsOf: (paper: Paper) => string;
}
const pages = await load<Pages>("pages.js");

interface Run {
  readonly seed: number;
  readonly at: (path: string) => string;
  readonly measures: Readonly<Record<string, number>>;
}
const runs = await load<{
  runSweep: (file: string, out: string, options: { set: readonly string[] }) => Promise<void>;
  readRuns: (out: string) => readonly Run[] | undefined;
  slope: (points: readonly (readonly [number, number])[]) => number;
  runModule: (file: string, out: string) => Promise<void>;
  readMeasured: (out: string) => Promise<readonly Run[] | undefined>;
}>("runs.js");
const { runSweep, readRuns, readMeasured, slope } = runs;

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
    // Values that print alike have no t interval.
    const alike = estimate([0.9999, 1.0001, 1.0002]);
    assert.deepEqual([alike.low, alike.high, alike.n], [0.9999, 1.0002, 3]);
    // Nor have values that differ by rounding errors only, even if they print differently.
    const rounded = estimate([1, 1, 1 + 2 ** -52]);
    assert.deepEqual([rounded.low, rounded.high], [1, 1 + 2 ** -52]);
    // Wilson's interval of all of n starts at n/(n + 1.96²).
    const all = estimate({ hits: 10, of: 10 });
    assert.ok(Math.abs(all.low - 10 / (10 + 1.96 ** 2)) < 1e-4);
  });

  it("may rest on a slope by least squares", () => {
    assert.equal(slope([[0, 1], [1, 3], [2, 5]]), 2); // oxfmt-ignore
    assert.equal(slope([[0, 0], [1, 3], [2, 0]]), 0); // oxfmt-ignore
  });
});

describe("the pages of the papers", () => {
  const results = new Map(
    papers.map((paper) => [paper, JSON.parse(read(pages.resultsOf(paper))) as Results]),
  );
  const resultsOf = (paper: Paper) => results.get(paper) ?? assert.fail(paper.name);

  it("have the numbers of the last run", async () => {
    const overview = pages.overviewTable(papers, results);
    const text = read(pages.readme);
    assert.equal(await pages.fillBlock(text, "claims", overview), text);
    const counts = pages.countTable(papers, results);
    assert.equal(await pages.fillBlock(text, "verdicts", counts), text);
    for (const paper of papers) {
      const page = read(pages.pageOf(paper));
      const table = pages.claimTable(paper, resultsOf(paper));
      assert.equal(await pages.fillBlock(page, "claims", table), page, paper.name);
    }
  });

  it("count checks and our own questions apart from verdicts, and name them", () => {
    const claim = { file: "a.yaml", quantity: "q", measure: () => [], expected: { min: 0 } };
    const claims = [
      { ...claim, name: "a", claim: "A." },
      { ...claim, name: "b", claim: "B.", isCheck: true },
      { ...claim, name: "c", claim: "C.", isOwn: true },
    ];
    const paper = { name: "x", title: "X", folder: "libs/x", claims };
    const both = new Map([
      [paper, { a: estimate([-1, -2]), b: estimate([1, 1]), c: estimate([-1, -1]) }],
    ]);
    const cells = (table: string) =>
      table.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    assert.deepEqual(cells(pages.countTable([paper], both))[2]?.slice(2, 7), [
      "0",
      "0",
      "1",
      "1 of 1",
      "0 of 1",
    ]);
    const rows = cells(pages.overviewTable([paper], both)).slice(2);
    assert.deepEqual(
      rows.map((row) => row.slice(3, 5)),
      [
        ["_cannot be told here_", "-1.500 ± 6.353 (2)"],
        ["_holds_ (check)", "1 in 2 of 2"],
        ["_does not hold_ (ours)", "-1 in 2 of 2"],
      ],
    );
  });

  it("print values apart that differ beyond three digits, and equal ones once", () => {
    assert.equal(pages.formatValues([0.99978, 0.99982, 0.99985]), "0.9998 … 0.9999 in 3 of 3");
    assert.equal(pages.formatValues([-0.9999, -0.9998]), "-0.9999 … -0.9998 in 2 of 2");
    assert.equal(pages.formatValues([1, 1, 1 + 2 ** -52]), "1 in 3 of 3");
    assert.equal(pages.formatValues([2e-9, 2e-9]), "2.00e-9 in 2 of 2");
    assert.equal(pages.formatValues([0, 0]), "0 in 2 of 2");
  });

  it("leave a cell empty where runs lack the measure, like returns of many agents", async () => {
    const out = await temporaryFolder();
    const labels = { agents: "12", solver: "best" };
    const done = [1, 2].map((seed) => ({ seed, labels, measures: { seconds: 2, bytes: 8 } }));
    writeFileSync(join(out, "runs.json"), JSON.stringify(done));
    const growth = papers.find(({ name }) => name === "alberdice")?.tables?.["growth"];
    assert.deepEqual(growth?.rows([(await readMeasured(out)) ?? []], pages.formatValues), [
      ["12", "4096", "2,000 in 2 of 2", "8 in 2 of 2", "", "", "", ""],
    ]);
  });

  it("have results of all claims but long ones, and of no others", () => {
    for (const paper of papers) {
      const known = paper.claims.filter(
        ({ name, time }) => time === undefined || name in resultsOf(paper),
      );
      assert.deepEqual(
        Object.keys(resultsOf(paper)).sort(),
        known.map(({ name }) => name).sort(),
        paper.name,
      );
    }
  });

  it("have the figures of each paper, and a sweep for each claim", () => {
    for (const paper of papers) {
      const page = pages.pageOf(paper);
      for (const { path } of pages.listFigures(paper)) {
        assert.match(read(path), /^<svg /);
        assert.ok(read(page).includes(`(${relative(dirname(page), path)})`), path);
      }
      for (const { file } of paper.claims) assert.ok(existsSync(join(workspace, file)), file);
    }
  });
});

interface Fault {
  /** The fault that the method gets. */
  readonly how: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

interface Broken extends Fault {
  readonly paper: string;
  readonly claims: readonly string[];
  /** Overrides that make the claims' sweep small. */
  readonly set?: readonly string[];
  /** The part of the claims' module that is measured. */
  readonly part?: Part;
  /** Names the runs of a sweep as the claims' module does. */
  readonly label?: (runs: readonly Run[]) => readonly Run[];
}

interface Part {
  readonly seeds: number;
  readonly reads: readonly Readonly<Record<string, string>>[];
}

const fewSamples = ["task.samplesMin=20", "task.samplesMax=20"];

const fewClientsOfFedsa = [
  "seeds=3",
  "rounds=2",
  "clients=2",
  "task.evaluationSequences=32",
  "task.learningRate=[0.01]",
  "task.trainA=[true, false]",
  "baselines=[{label: fedsa, aggregator: {name: fedsa-lora}}]",
  "sweep={measures: [accuracy.fedsa]}",
];

/** The runs of FFA-LoRA and FedSA-LoRA, as claims/best-rates.js labels them. */
const labelAggregators = (runs: readonly Run[]): readonly Run[] =>
  runs.map(({ seed, at, measures }) => {
    const [method, arm] =
      at("task.trainA") === "true" ? ["FedSA-LoRA", "fedsa"] : ["FFA-LoRA", "fedit"];
    const labels: Record<string, string> = { part: "best", functions: "one", method };
    const accuracy = measures[`accuracy.${arm}`] ?? NaN;
    return { seed, at: (path) => labels[path] ?? "", measures: { accuracy } };
  });

const noPenalty: Fault = {
  how: "leaving the joint data costs nothing, and problems have all joint actions",
  file: "alberdice/dist/src/agent-problem.js",
  from: "{ mass, reward, penalty }, flow",
  to: "{ mass, reward, penalty: penalty.map(() => 0), dense: data.mass }, flow",
};

const swappedRisks: Fault = {
  how: "the roles of risks above and below are swapped in the fit",
  file: "evaluation-bias/dist/src/model/fit.js",
  from: "alpha: etaOver / etaUnder",
  to: "alpha: etaUnder / etaOver",
};

const broken: readonly Broken[] = [
  {
    paper: "graph-learning",
    claims: ["recovery"],
    how: "its slack is so large that signals have no influence",
    set: ["clients=[1024]", "task.dataSeed=[1, 2]", "task.nodes=12", ...fewSamples],
    file: "graph-learning/dist/src/problem.js",
    from: "c0 * Math.sqrt(",
    to: "1000 * c0 * Math.sqrt(",
  },
  {
    paper: "graph-learning",
    claims: ["spect-infeasible-lowpass"],
    how: "a slack of nothing counts as enough",
    set: [
      "clients=[10]",
      "task.filter=[lowpass]",
      "task.c0=[0.001]",
      "task.nodes=12",
      "task.dataSeed=[1, 2, 3, 4]",
      "task.maxIterations=10",
    ],
    file: "graph-learning/dist/src/rspect.js",
    from: "const deltaMin = frobenius(commutator);",
    to: "const deltaMin = 0;",
  },
  {
    paper: "graph-learning",
    claims: ["ladmm-converges"],
    how: "L-ADMM counts the logarithm of the degrees half",
    set: ["task.nodes=[8]", "task.c0=0.1", "task.dataSeed=[1, 2, 3]", "task.maxIterations=3000"],
    file: "graph-learning/dist/src/ladmm.js",
    from: "(at(r, i) + at(r, j)) / 2",
    to: "(at(r, i) + at(r, j)) / 4",
  },
  {
    paper: "copy-average",
    claims: ["two-ends-erf-4", "under-half-4", "one-neuron-erf"],
    how: "the flow stops before it arrives",
    set: [
      "clients=20",
      "task=[{name: copy-average, k: 4, n: 1, d: 5, heterogeneity: 0}, {name: copy-average, k: 5, n: 2, d: 6, heterogeneity: 0}]",
    ],
    file: "copy-average/dist/src/polish.js",
    from: "return point.x;",
    to: "return start;",
  },
  {
    paper: "copy-average",
    claims: ["partitions", "best-partition"],
    how: "a neuron that averages is too short",
    part: { seeds: 1, reads: [{ activation: "" }] },
    file: "copy-average/dist/src/copy-average-points.js",
    from: "const scale = 1 / Math.sqrt(group.length * (2 * group.length - 1));",
    to: "const scale = 1 / Math.sqrt(group.length * (8 * group.length - 7));",
  },
  {
    paper: "evaluation-bias",
    claims: ["alpha", "resources-alone"],
    set: ["seeds=3", "clients=8"],
    ...swappedRisks,
  },
  {
    paper: "evaluation-bias",
    claims: ["people"],
    part: { seeds: 3, reads: [{ panel: "3", reference: "10000" }] },
    ...swappedRisks,
  },
  {
    paper: "value-driven-transport",
    claims: ["straight", "one-step-flow", "few-steps", "many-steps-flow"].map(
      (name) => `${name}-gaussians8`,
    ),
    how: "values rise where they should fall",
    set: [
      "seeds=2",
      "rounds=100",
      "task.schedule=100",
      "task.measureEvery=100",
      "task.evaluationSamples=100",
      "task.method=[value, flow-matching]",
      "task.target=[gaussians8]",
    ],
    file: "value-driven-transport/dist/src/dual-step.js",
    from: "weights.fill(horizon / b, 0, b).fill(-horizon / b, b, 2 * b)",
    to: "weights.fill(-horizon / b, 0, b).fill(horizon / b, b, 2 * b)",
  },
  {
    paper: "alberdice",
    claims: ["xor-return", "xor-unseen", "xor-unseen-icq", "three-return", "three-unseen", "nash"],
    set: ["seeds=2", "task.method=[alberdice, icq]", "task.environment.agents=[2, 3]", "rounds=12"],
    ...noPenalty,
  },
  {
    paper: "alberdice",
    claims: ["growth-bytes", "growth-return"],
    part: {
      seeds: 18,
      reads: [
        { agents: "2" },
        { agents: "4" },
        { agents: "12", solver: "best" },
        { agents: "14", solver: "best" },
      ],
    },
    ...noPenalty,
  },
  {
    paper: "lora",
    claims: ["fedsa-ffa"],
    how: "FedSA-LoRA shares A with the wrong sign",
    set: fewClientsOfFedsa,
    label: labelAggregators,
    file: "rules/dist/src/aggregators/fedsa-lora/index.js",
    from: "own.set(name, { b: update.b, a });",
    to: "own.set(name, { b: update.b, a: { ...a, data: a.data.map((x) => -x) } });",
  },
  {
    paper: "lora",
    claims: ["fedsa-ffa"],
    how: "no client keeps its own adapter",
    set: fewClientsOfFedsa,
    label: labelAggregators,
    file: "tasks/dist/src/text-copy/lasting.js",
    from: "[...(personal ?? [])]",
    to: "[]",
  },
];

/** Runs sweeps and parts of modules in one process, without reports. */
const allInOne = `
  const { sweep } = await import(process.argv[1]);
  const { runModule } = await import(process.argv[2]);
  for (const { file, set, part, out } of JSON.parse(process.argv[3]))
    if (part) await runModule(file, out, part);
    else await sweep(file, { set, out, jobs: 1, json: false, report: false });`;

describe("a figure that moves", () => {
  it("has a dot on each of its lines, which rests at the end, and stands still on request", async () => {
    const { addMotion } = await load<{ addMotion: (svg: string) => string }>("moving.js");
    const line = `<path d="M0,5L10.04,5L20,7.5" stroke="#0072b2" stroke-width="2.5" opacity="0.4"/>`;
    const ends = `<g class="mark-symbol role-mark arrival0_marks">`;
    const head = `<svg xmlns="http://www.w3.org/2000/svg" width="30">`;
    const other = `<g class="mark-line role-mark floor_marks">${line}</g>`;
    const lines = `<g class="mark-line role-mark moving0_marks">${line}`;
    const moving = addMotion(`${head}${other}${lines}</g>${ends}</g></svg>`);
    // Four seconds of motion of seven.
    const dot = `<circle class="mover" r="6" fill="#0072b2" stroke="#ffffff" stroke-width="0.8" transform="translate(20,7.5)"><animateTransform attributeName="transform" type="translate" values="0,5;10,5;20,7.5;20,7.5" keyTimes="0;0.286;0.571;1" dur="7s" repeatCount="indefinite"/></circle>`;
    assert.ok(moving.includes(`${other}${lines}${dot}</g>`), moving);
    assert.match(moving, /arrival0_marks"><animate attributeName="opacity" values="0.25;0.25;1;1"/);
    assert.match(moving, /^<svg [^>]*><style>@media print,\(prefers-reduced-motion:reduce\)\{/);
    assert.doesNotMatch(moving, /<script/);
  });

  it("is the only kind of figure with dots on the pages", () => {
    for (const { path, moves = false } of papers.flatMap(pages.listFigures)) {
      assert.equal(read(path).includes(`<circle class="mover"`), moves, path);
    }
  });
});

describe("a method that is broken on purpose fails its page", function () {
  this.timeout(300_000);
  let right: readonly string[];
  const wrong = new Map<Broken, string | undefined>();
  before(async () => {
    right = await run(broken, []);
    // Each fault is in a module that no other sweep of its half uses: both of LoRA use FedSA-LoRA,
    // and all sweeps on graphs the slack.
    const isSecond = ({ file }: Broken) => /(?:lasting|rspect|ladmm)\.js$/.test(file);
    for (const half of [broken.filter((one) => !isSecond(one)), broken.filter(isSecond)]) {
      const faults = [...new Map(half.map((one) => [one.file, one])).values()].flatMap(
        ({ file, from, to }) => breakModule(file, from, to),
      );
      const folders = await run(half, faults);
      for (const [i, one] of half.entries()) wrong.set(one, folders[i]);
    }
  });

  /** @param node arguments for Node.js @returns the folder of each sweep or module */
  async function run(some: readonly Broken[], node: readonly string[]): Promise<string[]> {
    const folder = await temporaryFolder();
    const all = some.map((one, i) => {
      const [{ file } = assert.fail()] = claimsOf(one);
      const own = one.label ? "libs/rules/sweeps/lora.yaml" : file;
      return { file: own, set: one.set, part: one.part, out: join(folder, `${one.paper}-${i}`) };
    });
    const programs = ["apps/cli/dist/src/sweep/sweep.js", "studies/papers/runs.js"].map(
      (file) => pathToFileURL(join(workspace, file)).href,
    );
    const args = ["--input-type=module", "-e", allInOne, ...programs, JSON.stringify(all)];
    await promisify(execFile)(process.execPath, [...node, ...args], { cwd: workspace });
    return all.map(({ out }) => out);
  }

  function claimsOf({ paper, claims }: Broken): Claim[] {
    const known = papers.find(({ name }) => name === paper)?.claims ?? [];
    return claims.map(
      (name) => known.find((one) => one.name === name) ?? assert.fail(`${paper}/${name}`),
    );
  }

  async function verdict({ measure, expected }: Claim, { part, label }: Broken, out = "") {
    const done = (part ? await readMeasured(out) : readRuns(out)) ?? assert.fail(out);
    return judge(estimate(measure(label ? label(done) : done)), expected);
  }

  for (const [i, one] of broken.entries())
    for (const claim of claimsOf(one))
      it(`${one.paper}, ${claim.name}: ${one.how}`, async () => {
        assert.equal(await verdict(claim, one, right[i]), "holds");
        assert.notEqual(await verdict(claim, one, wrong.get(one)), "holds");
      });

  it("and all have one, here or among their claims (broken-pages.test.ts)", () => {
    const own = papers.filter(({ claims }) => claims.some(({ faults }) => faults));
    assert.deepEqual(
      new Set(papers.map(({ name }) => name)),
      new Set([...own.map(({ name }) => name), ...broken.map(({ paper }) => paper)]),
    );
  });
});

describe("claims on conditional transport", () => {
  it("do not hold for a network that ignores the class, which measures no difference", () => {
    const measures = {
      w2Floor: 0.5,
      anyClassW2: 2,
      ...Object.fromEntries(
        [0, 1].flatMap((weight) => [
          [`w2.${weight}`, 2],
          [`accuracy.${weight}`, 0.125],
          [`deviation.${weight}`, 1.4],
        ]),
      ),
    };
    const claims = papers
      .flatMap((paper) => paper.claims)
      .filter(({ name }) =>
        /^(conditional|conditional-floor|guidance|guidance-\w+)-(modes|digits)$/.test(name),
      );
    assert.equal(claims.length, 10);
    for (const { name, measure, expected } of claims) {
      const labels: Record<string, string> = {
        method: "value",
        target: name.split("-").at(-1) ?? "",
      };
      const at = (path: string) => labels[path] ?? "";
      const ignoring = [1, 2].map((seed) => ({ seed, at, measures }));
      assert.equal(judge(estimate(measure(ignoring)), expected), "does not hold", name);
    }
  });
});

/** Measures of the runs of a file by their labels, where its claims hold and where none does. */
interface World {
  /** Below libs. */
  readonly file: string;
  readonly labels: readonly Readonly<Record<string, string>>[];
  readonly measures: (
    labels: Readonly<Record<string, string>>,
    holds: boolean,
  ) => Readonly<Record<string, number>>;
}

const pick = (keys: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(keys).reduce<Readonly<Record<string, string>>[]>(
    (all, [key, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [key]: value }))),
    [{}],
  );
const filters = ["lowpass", "quadratic", "highpass"];
const others = ["behaviour-cloning", "icq", "omar", "optidice", "independent-dice"];
const flows = ["flow-matching", "ot-cfm", "sb-cfm", "reflow", "diffusion"];

const bothAndBb = "0 + 0 + 0 + 1 + 1 + 0 + 1 + 1";
const { optimalCopyAverageLoss } = await load<{
  optimalCopyAverageLoss: (n: number, k: number) => number;
}>("dist/src/copy-average-points.js", "libs/methods/copy-average");

/** Names the metrics of a sweep's runs. */
const global = (metrics: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(metrics).map(([name, x]) => [`global.${name}.fedavg`, x]));
/** What each explanation of biased scores leaves: least where the claims hold. */
const lefts = (name: string, holds: boolean) => ({
  [`${name}.model`]: 1,
  ...Object.fromEntries(
    ["unbiased", "multiplicative", "implicitVariance"].map((rival) => [
      `${name}.${rival}`,
      holds ? 2 : 0,
    ]),
  ),
});
/** A run of a method of transport. */
const moved = (method: string, holds: boolean) => {
  const isBetter = (method === "value") === holds;
  return global({
    straightness: holds ? 1 : 2,
    optimality: holds ? 1 : 2,
    w2Floor: 1,
    "w2Steps.1": isBetter ? 1 : 3,
    "w2Steps.100": isBetter ? 1 : 2,
  });
};

const worlds: readonly World[] = [
  {
    file: "methods/graph-learning/claims/condition.js",
    labels: pick({ part: ["condition", "propositions"], signals: ["100", "Infinity"] }),
    measures: ({ signals }, holds) => ({
      condition: (signals === "100") === holds ? 1 : 0,
      excess: holds ? 0 : 0.5,
      scaling: holds ? 0 : 1,
      leastDegree: holds ? 0.5 : 0,
    }),
  },
  {
    file: "methods/graph-learning/claims/models.js",
    labels: pick({
      filter: filters,
      method: ["rLogSpecT", "rSpecT", "graphical lasso", "smooth signals"],
      option: ["1"],
    }),
    measures: ({ method }, holds) => ({ bestF: (method === "rLogSpecT") === holds ? 1 : 0.5 }),
  },
  {
    file: "methods/graph-learning/claims/own-solvers.js",
    labels: pick({
      solver: ["ladmm", "interior", "iteration"],
      nodes: ["10", "20", "40", "100", "400"],
    }),
    measures: ({ solver, nodes }, holds) => {
      const power = { ladmm: holds ? 2 : 5, interior: holds ? 5 : 2 }[solver ?? ""];
      return { seconds: Number(nodes) ** (power ?? (holds ? 3 : 5)) };
    },
  },
  {
    file: "methods/value-driven-transport/claims/rivals.js",
    labels: pick({
      target: ["moons", "s-curve", "eight modes", "moons to eight modes", "2", "32", "256"],
      method: ["value", ...flows],
    }),
    measures: ({ method }, holds) => {
      const better = (method === "value") === holds;
      return {
        byEnergy: better ? 1 : 2,
        "w2.1": better ? 1 : 2,
        "error.20": better ? 1 : 2,
        floor: 1,
        "w2.20": 1,
        noisy: holds ? 1 : 2,
        dualityGap: holds ? 0 : 1,
      };
    },
  },
  {
    file: "methods/value-driven-transport/claims/normal.js",
    labels: pick({ target: ["2", "32", "256"], method: ["value", "flow-matching", "ot-cfm"] }),
    measures: ({ method }, holds) => ({ "error.20": (method === "value") === holds ? 1 : 2 }),
  },
  {
    file: "methods/graph-learning/claims/large.js",
    labels: pick({ nodes: ["60"], solver: ["ladmm", "interior"] }),
    measures: ({ solver }, holds) => ({ seconds: (solver === "ladmm") === holds ? 1 : 2 }),
  },
  {
    file: "methods/alberdice/claims/environments.js",
    labels: pick({
      environment: ["foraging", "warehouse"],
      recipe: ["expert", "mixed", "poor"],
      method: ["alberdice", ...others],
    }),
    measures: ({ method }, holds) => {
      const better = (method === "alberdice") === holds;
      return { return: better ? 1 : 0, unseen: better ? 0 : 0.5 };
    },
  },
  {
    file: "methods/value-driven-transport/claims/varied.js",
    labels: pick({ size: ["50", "200", "800", "4000"], method: ["value", "ot-cfm"] }),
    measures: ({ method }, holds) => {
      const w2 = (method === "value") === holds ? 1 : 2;
      return { w2, otherSource: w2, floor: 1 };
    },
  },
  {
    file: "methods/value-driven-transport/claims/conditional-flows.js",
    labels: pick({ target: ["modes", "digits"], method: ["value", "flow-matching", "ot-cfm"] }),
    measures: ({ method }, holds) => {
      const better = (method === "value") === holds;
      const [one, other] = better ? [1, 0.5] : [2, 2];
      const accuracy = { "accuracy.0": 0.5, "accuracy.1": holds ? 1 : 0 };
      const w2 = { "w2.0": one, "w2.1": holds ? other : 3, anyClassW2: holds ? 9 : 0, w2Floor: 1 };
      const steps = { "classW2Steps.1.0": one, "classW2Steps.16.0": one };
      const spread = { "deviation.0": 1, "deviation.1": holds ? 0.5 : 2 };
      return { ...accuracy, ...w2, ...steps, ...spread, "straightness.0": one };
    },
  },
  {
    file: "methods/graph-learning/sweeps/logspect-feasible.yaml",
    labels: pick({ "task.c0": ["0.001"], "task.filter": filters }),
    measures: (_, holds) => ({
      "global.rspectFeasible.fedavg": holds ? 0 : 1,
      ...(holds ? { "global.objective.fedavg": 1 } : {}),
    }),
  },
  {
    file: "methods/graph-learning/sweeps/logspect-samples.yaml",
    labels: pick({ clients: ["1", "64", "1024"], "task.dataSeed": ["1", "2"] }),
    measures: ({ clients }, holds) => {
      const n = 100 * Number(clients);
      const [f, bestF, correlationBestF] = holds ? [1, 1, 0.5] : [0.5, 0.5, 1];
      const relativeError = holds ? Math.sqrt(Math.log(n) / n) : 1;
      return global({ f, bestF, correlationBestF, relativeError });
    },
  },
  {
    file: "methods/graph-learning/sweeps/logspect-ladmm.yaml",
    labels: pick({
      "task.solver": ["ladmm", "eadmm"],
      "task.nodes": ["10", "40"],
      "task.dataSeed": ["1", "2"],
    }),
    measures: (labels, holds) =>
      global({
        objective: holds || labels["task.solver"] === "eadmm" ? 1 : 2,
        certifiedGap: 0,
        iterations: Number(labels["task.nodes"]) ** (holds ? 0.5 : 2),
      }),
  },
  {
    file: "methods/graph-learning/sweeps/logspect-roads.yaml",
    labels: pick({ "task.filter": filters }),
    measures: (_, holds) => global({ bestF: holds ? 1 : 0.5, correlationBestF: holds ? 0.5 : 1 }),
  },
  {
    file: "methods/graph-learning/claims/solvers.js",
    labels: pick({ solver: ["ladmm", "clarabel"], nodes: ["10", "40"] }),
    measures: ({ solver, nodes }, holds) => ({
      seconds: Number(nodes) ** ((solver === "ladmm") === holds ? 1 : 2),
    }),
  },
  ...[
    ["matrix", { "task.environment.agents": ["2", "3", "4", "5"] }],
    ["xor", { "task.environment.data": ["0 + 1", "0 + 0 + 0 + 1 + 1 + 0", bothAndBb] }],
    ["penalty", { "task.environment.penalty": ["10", "100"] }],
    ["bridge", { "task.environment.random": ["0", "50"] }],
  ].map(([name, games]): World => ({
    file: `methods/alberdice/sweeps/alberdice-${name as string}.yaml`,
    labels: pick({ ...(games as object), "task.method": ["alberdice", ...others] }),
    measures: (labels, holds) => {
      const better = (labels["task.method"] === "alberdice") === holds;
      return {
        ...global({ return: better ? 20 : -20, nashGap: holds ? 0 : 1 }),
        "unseenShare.fedavg": better ? 0 : 0.5,
      };
    },
  })),
  {
    file: "methods/alberdice/claims/growth.js",
    labels: pick({ solver: ["best", "joint"], agents: ["8", "10", "12"] }),
    measures: ({ solver, agents }, holds) => {
      const grown = holds ? Number(agents) : 2 ** Number(agents);
      return { bytes: grown, seconds: grown, return: holds || solver === "joint" ? 1 : 0 };
    },
  },
  {
    file: "methods/copy-average/sweeps/copy-average-phases.yaml",
    labels: pick({
      task: ["4", "6", "8"].flatMap((k) =>
        ["erf", "relu", "sine"].map((name) => `k ${k}, n 1, activation ${name}`),
      ),
    }),
    measures: ({ task = "" }, holds) =>
      global({
        averagingShare: holds ? 1 : 0.1,
        copyingShare: 0,
        averagingLoss: holds ? optimalCopyAverageLoss(1, Number(task[2])) : 1,
      }),
  },
  {
    file: "methods/copy-average/claims/larger.js",
    labels: [{}],
    measures: (_, holds) => ({ averaging: holds ? 5 : 0, copying: holds ? 5 : 1, flows: 10 }),
  },
  {
    file: "methods/copy-average/claims/one-neuron.js",
    labels: [
      { sizes: "2 + 1" },
      ...pick({ activation: ["erf", "relu", "tanh", "sigmoid", "softplus"] }),
    ],
    measures: (_, holds) => ({
      gradient: holds ? 0 : 1,
      loss: 1,
      best: 1,
      copies: holds ? 1 : 0,
      n: 2,
      symmetric: holds ? 1000 : 0,
      found: 1000,
    }),
  },
  {
    file: "methods/copy-average/claims/digits-teacher.js",
    labels: pick({ n: ["2", "4"], teacher: ["1"] }),
    measures: (_, holds) => ({ copies: holds ? 3 : 0 }),
  },
  {
    file: "methods/evaluation-bias/sweeps/bias-panels.yaml",
    labels: [{}],
    measures: (_, holds) => {
      const error = holds ? 0 : 1;
      const gains = [1, 2, 3, 4].flatMap((panel): [string, number][] => [
        [`utility.none.${panel}`, 0.5],
        [`utility.reduceSkew.${panel}`, holds ? 1 : 0],
        [`share2.none.${panel}`, 0.5],
        [`share2.shiftTau.${panel}`, holds ? 0 : 1],
      ]);
      return global({
        alphaError: error,
        tauError: error,
        shareError: error,
        interventionError: error,
        ...Object.fromEntries(gains),
        ...lefts("totalVariation", holds),
      });
    },
  },
  {
    file: "methods/evaluation-bias/sweeps/bias-reservation.yaml",
    labels: pick({ "task.selection.rho": ["0.25", "0.5", "0.75"] }),
    measures: (_, holds) =>
      global({ "utility.reduceSkew.1": 0.5, "utility.atleast.1": holds ? 1 : 0 }),
  },
  {
    file: "methods/evaluation-bias/claims/people.js",
    labels: [{}],
    measures: (_, holds) => ({ share: holds ? 0 : 1, covered: holds ? 100 : 0, intervals: 100 }),
  },
  {
    file: "methods/evaluation-bias/claims/real-scores.js",
    labels: pick({
      set: ["InstEval", "Chem97", "Chem97, swapped"],
      fit: ["all", "others", "split"],
    }),
    measures: (_, holds) => ({ ...lefts("own", holds), ...lefts("held", holds) }),
  },
  {
    file: "methods/evaluation-bias/claims/regents.js",
    labels: [{}],
    measures: (_, holds) => ({ "bump.model": holds ? 1 : 0 }),
  },
  {
    file: "methods/evaluation-bias/claims/call-backs.js",
    labels: pick({ by: ["industry", "job", "ads"] }),
    measures: (_, holds) => ({
      ...lefts("held", holds),
      "gain.white": 1,
      "gain.black": holds ? 1 : 0,
    }),
  },
  ...[
    ["transport", { "task.target": ["gaussians8", "moons"] }],
    ["transport-images", { "task.target.file": ["digits.csv", "fashion.csv"] }],
  ].map(([name, targets]): World => ({
    file: `methods/value-driven-transport/sweeps/${name as string}.yaml`,
    labels: pick({ ...(targets as object), "task.method": ["value", ...flows] }),
    measures: (labels, holds) => moved(labels["task.method"] ?? "", holds),
  })),
  {
    file: "methods/value-driven-transport/sweeps/transport-translation.yaml",
    labels: pick({
      task: ["moons", "digits-3"].flatMap((source) =>
        ["value", "flow-matching"].map((method) => `source ${source}, method ${method}`),
      ),
    }),
    measures: ({ task = "" }, holds) => moved(task.split("method ").at(-1) ?? "", holds),
  },
  {
    file: "methods/value-driven-transport/claims/flow-peers.js",
    labels: pick({ side: ["fedclair", "torchcfm"], method: ["value", ...flows] }),
    measures: ({ side }, holds) => {
      const w2 = (side === "fedclair") === holds ? 1 : 2;
      return { "w2.1": w2, "w2.16": w2 };
    },
  },
  ...["best-rates", "ranks"].map((name): World => ({
    file: `rules/claims/${name}.js`,
    labels: pick({
      part: ["best", "grid"],
      functions: ["one", "early", "two", "ranks"],
      method: ["local", "FedIT", "FedIT, fresh adapters", "FLoRA", "FFA-LoRA", "FedSA-LoRA"],
      rate: ["1", "2"],
    }),
    measures: ({ part, method = "", rate }, holds) => {
      const spread = (method === "FedIT") === holds ? Number(rate) : 0;
      const rank = { local: 0, FLoRA: 2, "FFA-LoRA": 2, "FedSA-LoRA": 3 }[method] ?? 1;
      return { accuracy: part === "grid" ? spread : holds ? rank : -rank };
    },
  })),
];

describe("claims on made-up runs", () => {
  for (const { file, labels, measures } of worlds)
    it(`hold where the method does what they say, and fall where it does not: ${file}`, () => {
      const own = papers
        .flatMap((paper) => paper.claims)
        .filter((claim) => claim.file === `libs/${file}`);
      assert.ok(own.length > 0);
      for (const holds of [true, false]) {
        const all = labels.flatMap((one) =>
          // The last two seeds are of the choice of options.
          [1, 2, 101, 102].map((seed) => ({
            seed,
            at: (path: string) => one[path] ?? "",
            measures: measures(one, holds),
          })),
        );
        // The interval of a share of few cases is wide.
        const many = Array.from({ length: 10 }, () => all).flat();
        for (const { name, measure, expected } of own) {
          const verdict = judge(estimate(measure(many)), expected);
          assert.equal(verdict, holds ? "holds" : "does not hold", name);
        }
      }
    });

  it("are of all claims but those of CLAIR's page", () => {
    const files = new Set(worlds.map(({ file }) => `libs/${file}`));
    const claims = papers.filter(({ name }) => name !== "clair").flatMap((paper) => paper.claims);
    assert.deepEqual(
      claims.filter(({ file }) => !files.has(file)).map(({ name }) => name),
      [],
    );
  });
});

describe("rivals of the page on graphs", () => {
  const folder = "libs/methods/graph-learning";
  interface Graph {
    readonly rows: number;
    readonly data: Float64Array;
  }

  it("are an interior-point method that finds the optimum of E-ADMM", async () => {
    interface Problem {
      readonly covariance: Graph;
      readonly delta: number;
      readonly alpha: number;
    }
    type Limits = Readonly<Record<"tolerance" | "maxIterations", number>>;
    const [{ prepare, solveInterior }, { drawProblem, drawTruth }, { solveRLogSpecT }] =
      await Promise.all([
        load<{
          prepare: (problem: Problem) => object;
          solveInterior: (
            prepared: object,
            weight: number,
            limits: Limits,
          ) => { objective: number; isDone: boolean };
        }>("claims/interior.js", folder),
        load<{
          drawTruth: (seed: number, options: { nodes: number }) => Graph;
          drawProblem: (seed: number, truth: Graph, filter: string, n: number) => Promise<Graph>;
        }>("claims/problems.js", folder),
        load<{
          solveRLogSpecT: (
            problem: Problem,
            limits: Limits,
          ) => Promise<{ objective: number; multiplier: Graph }>;
        }>("dist/src/rlogspect.js", folder),
      ]);
    const covariance = await drawProblem(1, drawTruth(1, { nodes: 8 }), "lowpass", 1000);
    const problem = { covariance, delta: 0.002, alpha: 1 };
    const limits = { tolerance: 1e-8, maxIterations: 5000 };
    const { objective, multiplier } = await solveRLogSpecT(problem, limits);
    const weight = problem.delta * Math.hypot(...multiplier.data);
    const other = solveInterior(prepare(problem), weight, limits);
    assert.ok(other.isDone);
    assert.ok(Math.abs(other.objective / objective - 1) < 1e-5, `${other.objective} ${objective}`);
  });

  it("are a model of smooth signals whose graphs satisfy its conditions of optimality", async () => {
    const { learnSmooth } = await load<{
      learnSmooth: (c: object, beta: number) => Float64Array;
    }>("claims/smooth.js", folder);
    const { Matrix } = await import("@fedclair/linalg");
    const c = Matrix.fromRows([
      [1, 0.9, 0],
      [0.9, 1, 0],
      [0, 0, 1],
    ]);
    const beta = 0.5;
    const [first = 0, second = 0, third = 0] = learnSmooth(c, beta);
    const [d0, d1, d2] = [first + second, first + third, second + third];
    // 2z + 2βw = 1/d_i + 1/d_j for each pair with a weight.
    for (const [z, w, i, j] of [
      [0.2, first, d0, d1],
      [2, second, d0, d2],
      [2, third, d1, d2],
    ] as const)
      assert.ok(Math.abs(2 * z + 2 * beta * w - 1 / i - 1 / j) < 1e-3, `${z} ${w} ${i} ${j}`);
  });
});

describe("real selections of the page on bias", () => {
  it("remove a bump, of which only the sum of two cells is known", async () => {
    const { smoothCounts } = await load<{
      smoothCounts: (
        counts: ArrayLike<number>,
        windows: readonly (readonly number[])[],
        degree: number,
      ) => Float64Array;
    }>("regents.js", biasClaims);
    const honest = Array.from({ length: 20 }, (_, k) => 1000 * Math.exp(-(((k - 11) / 4) ** 2)));
    const passed = 0.6 * (honest[12] ?? NaN);
    const moved = honest.map((n, k) => (k === 12 ? n - passed : k === 13 ? n + passed : n));
    const smooth = smoothCounts(moved, [[12, 13]], 2);
    for (const [k, n] of honest.entries()) {
      assert.ok(Math.abs((smooth[k] ?? NaN) / n - 1) < 1e-6, `${k}`);
    }
    const counted = smoothCounts(moved, [], 2);
    assert.ok((counted[18] ?? NaN) > 1.1 * (honest[18] ?? NaN));
  });

  it("know the least total variation that a log-concave law leaves at a hole", async () => {
    const { leastVariation } = await load<{
      leastVariation: (cells: readonly number[]) => number;
    }>("regents.js", biasClaims);
    // (0.1 + t)² = (0.2 - t)·0.3
    const least = leastVariation([0.2, 0.1, 0.3]);
    assert.ok(Math.abs((0.1 + least) ** 2 - (0.2 - least) * 0.3) < 1e-12);
    assert.ok(Math.abs(least - (Math.sqrt(0.1125) - 0.25)) < 1e-12);
    assert.equal(leastVariation([0.1, 0.2, 0.3]), 0);
  });

  it("predict the share called of a group from that of the other", async () => {
    interface Calls {
      readonly white: number;
      readonly whiteCalls: number;
      readonly black: number;
      readonly blackCalls: number;
    }
    type Parameters = Readonly<Record<string, number>>;
    const { fitCalls, predictShares } = await load<{
      fitCalls: (name: string, units: readonly Calls[]) => Parameters;
      predictShares: (name: string, parameters: Parameters, units: readonly Calls[]) => number[];
    }>("call-backs.js", biasClaims);
    const unit = (share: number) => ({
      white: 1e6,
      whiteCalls: 1e6 * share,
      black: 1e6,
      blackCalls: 0,
    });
    // 15.87 % and 2.275 % lie above 1 and 2 deviations; a shift of -1 makes one of the other.
    const shifted = { beta: 1, shift: -1 };
    const [share = NaN] = predictShares("multiplicative", shifted, [unit(0.158655)]);
    assert.ok(Math.abs(share - 0.02275) < 1e-4, `${share}`);
    assert.deepEqual(
      predictShares("unbiased", {}, [unit(0.1)]).map((x) => x.toFixed(6)),
      ["0.100000"],
    );
    const units = [0.05, 0.1, 0.2].map(unit);
    const shares = predictShares("sameTau", { alpha: 2 }, units);
    const called = units.map((one, i) => ({ ...one, blackCalls: 1e6 * (shares[i] ?? NaN) }));
    const { alpha = NaN } = fitCalls("sameTau", called);
    assert.ok(Math.abs(alpha / 2 - 1) < 0.01, `${alpha}`);
  });
});

describe("a sweep of a page", () => {
  it("is run by the command, and its runs are read", async () => {
    const out = join(await temporaryFolder(), "out");
    const set = ["seeds=1", "baselines=[]", "task.rank=[1, 2]"];
    await runSweep("trials/denoising/gaussian-001.yaml", out, { set });
    const done = readRuns(out) ?? [];
    assert.deepEqual(
      done.map(({ seed, at, measures }) => [seed, at("task.rank"), typeof measures["error.clair"]]),
      [
        [1, "1", "number"],
        [1, "2", "number"],
      ],
    );
  });
});

describe("a module that measures", () => {
  const { runModule } = runs;

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
    const expected = {
      name: "RangeError",
      message: /^own, seed 3: no measure 'minutes': .*seconds$/,
    };
    assert.throws(() => (read?.measures["minutes"] ?? 0) <= 1, expected);
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { attackLoaders } from "@fedclair/rules/client-loaders";
import yaml from "yaml";
import { fedclair } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";

/** Loads a module of `npm run lab -- attacks`, which is plain JavaScript. */
function load<T>(path: string): Promise<T> {
  return import(pathToFileURL(join(workspace, "studies/clair/attacks", path)).href) as Promise<T>;
}

interface Means {
  readonly own: number;
  readonly alone: number;
  readonly without: number;
}

interface Outcome {
  readonly computePValue: (differences: readonly number[]) => number;
  readonly describeHarm: (means: readonly Means[], better: "higher" | "lower") => string;
  readonly describeOutcome: (
    counts: { readonly found: number; readonly undecided: number; readonly missed: number },
    harm: string,
  ) => string;
}

/** Lists the attacks of a sweep without preparing its trials, which takes seconds. */
async function readAttacks(file: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(workspace, file), "utf8");
  const content = yaml.parse(text) as { attacks: { attack: { name: string } }[][] };
  return new Set(content.attacks.flat().map(({ attack }) => attack.name));
}

describe("the sweeps over attacks", () => {
  const notRun = (used: ReadonlySet<string>) =>
    Object.keys(attackLoaders).filter((n) => !used.has(n));

  it("text-copy has every attack that runs on labels and simulated clients", async () => {
    const used = await readAttacks("sweeps/text-copy-attacks.yaml");
    assert.deepEqual(notRun(used), ["contaminated-data", "declared"]);
  });

  it("linear regression has those that need neither labels nor several rounds", async () => {
    const used = await readAttacks("sweeps/linear-regression-attacks.yaml");
    assert.deepEqual(notRun(used), [
      ...["label-noise", "random-targets", "label-flip", "target-shift"],
      ...["contaminated-data", "stale", "declared"],
    ]);
  });
});

describe("npm run lab -- attacks", () => {
  it("tests paired differences by all choices of their signs", async () => {
    const { computePValue } = await load<Outcome>("outcome.js");
    assert.equal(computePValue([1, 2, 3]), 1 / 8); // only the observed signs reach 6
    assert.equal(computePValue([1, 1, -1]), 4 / 8); // a sum of 3 once, and of 1 three times
    assert.equal(computePValue([-1, -2]), 1);
    assert.equal(computePValue([0, 0]), 1);
    // Five of eight sums reach 0, which 0.1 + 0.2 - 0.3 misses by rounding.
    assert.equal(computePValue([0.1, 0.2, -0.3]), 5 / 8);
  });

  it("counts a loss as harm if it is larger than chance", async () => {
    const { describeHarm } = await load<Outcome>("outcome.js");
    const repeat = (count: number, means: Means) => Array.from({ length: count }, () => means);
    const none = { own: 1, alone: 5, without: 1 };
    const worst = { ...none, own: 6 };
    const worse = { ...none, own: 2 };
    assert.equal(describeHarm(repeat(5, worst), "lower"), "harmful");
    assert.equal(describeHarm(repeat(5, worse), "lower"), "costs gain");
    assert.equal(describeHarm(repeat(5, none), "lower"), "harmless");
    // Four seeds of four have a p-value of 1/16, and so have four that lose of five.
    assert.equal(describeHarm(repeat(4, worse), "lower"), "harm unclear");
    assert.equal(describeHarm([...repeat(4, worse), none], "lower"), "harm unclear");
    // If higher is better, the comparison turns around. Half a percent is no loss.
    const accuracy = (own: number) => repeat(5, { own, alone: 0.8, without: 0.9 });
    assert.equal(describeHarm(accuracy(0.7), "higher"), "harmful");
    assert.equal(describeHarm(accuracy(0.85), "higher"), "costs gain");
    assert.equal(describeHarm(accuracy(0.8955), "higher"), "harmless");
  });

  it("calls an attack harmless, not missed, if it does no harm", async () => {
    const { describeOutcome } = await load<Outcome>("outcome.js");
    assert.equal(describeOutcome({ found: 4, undecided: 1, missed: 1 }, "harmless"), "found");
    assert.equal(
      describeOutcome({ found: 4, undecided: 1, missed: 1 }, "costs gain"),
      "found, costs gain",
    );
    assert.equal(
      describeOutcome({ found: 0, undecided: 6, missed: 0 }, "harmful"),
      "undecided, harmful",
    );
    assert.equal(
      describeOutcome({ found: 0, undecided: 0, missed: 6 }, "costs gain"),
      "missed, costs gain",
    );
    assert.equal(describeOutcome({ found: 0, undecided: 0, missed: 6 }, "harmless"), "harmless");
  });

  it("prints a table of a finished sweep", async () => {
    const folder = await temporaryFolder();
    const [file, out] = [join(folder, "small.yaml"), join(folder, "out")];
    await writeFile(file, small);
    const script = join(workspace, "studies/clair/attacks.js");
    const table = () =>
      spawnSync(process.execPath, [script, file, "--out", out], { encoding: "utf8" });
    const early = table();
    assert.equal(early.status, 2);
    assert.match(
      early.stderr,
      /lacks trials of .*small\.yaml: run the sweep first, by fedclair sweep/,
    );

    const { code, stderr } = await fedclair(["sweep", file, "--no-report", "--out", out]);
    assert.equal(code, 0, stderr);
    const { stdout, status } = table();
    assert.equal(status, 0);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(2, -2).split(" | "));
    const [head, , ...body] = rows;
    const column = (name: string) => body.map((row) => row[head?.indexOf(name) ?? -1]);
    const attacked = [1, 2, 3, 4];
    assert.deepEqual(column("attack"), [
      ...["none", "none", "broken", "broken"],
      ...["gaussian-update", "gaussian-update"],
    ]);
    assert.deepEqual(
      column("rule"),
      [1, 2, 3].flatMap(() => ["evidence", "gap"]),
    );
    assert.deepEqual(column("found"), ["", "", ...attacked.map(() => "3 of 3")]);
    const all = "1 of 1 (0.21–1.00)";
    assert.deepEqual(column("trials with all found"), ["", "", ...attacked.map(() => all)]);
    assert.deepEqual(column("trials with one"), Array<string>(6).fill("0 of 1 (0.00–0.79)"));
    assert.deepEqual(column("outcome"), ["", "", ...attacked.map(() => "found")]);
    // Broken clients are what the others are compared with.
    assert.deepEqual(column("against no attackers").slice(2, 4), ["1.00", "1.00"]);
  });
});

const small = `
name: small
rounds: 1
clients: 12
task: { name: linear-regression }
aggregator: { name: clair, rank: 3, rule: evidence }
baselines:
  - { label: gap, aggregator: { name: clair, rank: 3, rule: gap } }
  - { label: local, aggregator: { name: local } }
  - { label: fedavg, aggregator: { name: fedavg } }
  - { label: median, aggregator: { name: coordinate-median } }
attacks:
  - []
  - [{ attack: { name: broken }, clients: [c00, c01, c02] }]
  - [{ attack: { name: gaussian-update }, clients: [c00, c01, c02] }]
sweep: { rows: attacks, measures: [detection.recallMean] }
`;

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { copyWorkspace } from "./support/copy-workspace.js";
import { workspace } from "./support/paths.js";

interface Fault {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
interface Claim {
  readonly name: string;
  readonly time?: string;
  readonly faults?: readonly Fault[];
}
interface Paper {
  readonly name: string;
  readonly folder: string;
  readonly claims: readonly Claim[];
}

const catalogue = pathToFileURL(join(workspace, "studies/papers/catalogue.js")).href;
const { papers } = (await import(catalogue)) as { papers: readonly Paper[] };
const withFaults = papers.filter(({ claims }) => claims.some(({ faults }) => faults));

describe("a page whose method is broken", function () {
  this.timeout(600_000);
  let copy: string;
  before(async () => (copy = await copyWorkspace()));

  /** Runs the command of the pages with a few seeds, always in the same folder of runs. */
  function test(paper: Paper, claims: readonly string[], seeds: number, ...options: string[]) {
    const chosen = claims.flatMap((name) => ["--claim", name]);
    const args = ["--only", paper.name, ...chosen, "--seeds", `${seeds}`, "--runs", "runs"];
    const run = spawnSync(process.execPath, ["studies/papers/papers.js", ...args, ...options], {
      cwd: copy,
      encoding: "utf8",
    });
    return { code: run.status, text: run.stdout + run.stderr };
  }

  /** Tests with two seeds, and with four if two cannot tell. */
  function testBriefly(paper: Paper, claims: readonly string[]) {
    const brief = test(paper, claims, 2);
    return /^\S+: _cannot be told here_/m.test(brief.text) ? test(paper, claims, 4) : brief;
  }

  /** Replaces a piece of code in the copy while a test runs. */
  function whileBroken({ file, from, to }: Fault, use: () => void): void {
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    assert.equal(text.split(from).length, 2, `${file} has '${from}' once`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
    try {
      use();
    } finally {
      writeFileSync(path, text);
    }
  }

  for (const paper of withFaults) {
    const claims = paper.claims.filter(({ faults }) => faults);
    const faults = [...new Set(claims.flatMap((claim) => claim.faults ?? []))];
    const namesOf = (some: readonly Claim[]) => some.map(({ name }) => name);
    const results = () => readFileSync(join(copy, paper.folder, "claims/results.json"), "utf8");

    it(`${paper.name}: has no other verdict as it is`, () => {
      const { code, text } = test(paper, namesOf(claims), 2, "--strict");
      assert.equal(code, 0, text);
    });

    for (const [i, fault] of faults.entries()) {
      // What is kept of the first time does not depend on the fault, so one shows it.
      const times = i === 0 ? 2 : 1;
      const how = times === 2 ? "falls twice in a row" : "falls";
      it(`${paper.name}: ${how} with '${fault.to}', in the folder of earlier runs`, () => {
        const names = namesOf(claims.filter((claim) => claim.faults?.includes(fault)));
        const before = results();
        whileBroken(fault, () => {
          for (let time = 0; time < times; time++) {
            const { code, text } = testBriefly(paper, names);
            assert.equal(code, 1, text);
            for (const name of names)
              assert.match(text, new RegExp(`/${name}: _does not hold_`), text);
          }
        });
        assert.equal(results(), before);
      });
    }
  }

  const [clair] = papers;
  const exact = "studies/clair/theory/exact.js";

  it("fails where a quantity is no number", () => {
    const fault = { file: exact, from: "sine: Math.max(...sines)", to: "sine: NaN" };
    whileBroken(fault, () => {
      const { code, text } = test(clair ?? assert.fail(), ["exact-space"], 1);
      assert.equal(code, 1);
      assert.match(text, /sine: expected a number, got NaN/);
    });
  });

  it("may lack data, but not with --strict", () => {
    const from = "const space = {";
    const to = `${from} prepare: () => Promise.reject(new Error("no network")),`;
    whileBroken({ file: "libs/clair/claims/theory.js", from, to }, () => {
      const claims = ["exact-space"];
      const { code, text } = test(clair ?? assert.fail(), claims, 1);
      assert.equal(code, 0, text);
      assert.match(text, /exact-space: skipped/);
      assert.equal(test(clair ?? assert.fail(), claims, 1, "--strict").code, 1);
    });
  });
});

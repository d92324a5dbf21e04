import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { clair, clairSchema } from "@fedclair/clair";
import { stream } from "@fedclair/core";
import { runDocument } from "./support/document-script.js";
import { workspace } from "./support/paths.js";

/** Hashes what a judge of CLAIR says of a small round, to four digits. */
async function hashJudge(rule: "gap" | "evidence"): Promise<string> {
  const [rows, rank, clients] = [16, 2, 12];
  const rng = stream("measured judge");
  const common = rng.at("common").normals(rows * rank);
  const updates = Array.from({ length: clients }, (_, k) => {
    const own = rng.at("own", k).normals(rows * rank, k < 3 ? 1 : 0.2);
    const b = { shape: [rows, rank], data: own.map((x, i) => x + (k < 3 ? 0 : (common[i] ?? 0))) };
    const a = { shape: [rank, rows], data: rng.at("a", k).normals(rank * rows) };
    const delta = new Map([["m", { b, a }]]);
    return { clientId: `c${k}`, numExamples: 1, metrics: {}, delta };
  });
  const { verdicts, modules } = await clair(updates, clairSchema.parse({ rank, rule }));
  modules.close();
  const said = [...verdicts].map(([id, { status, score }]) => [id, status, score.toPrecision(4)]);
  return createHash("sha256").update(JSON.stringify(said)).digest("hex").slice(0, 8);
}

/** Lists the blocks of pages, each with its page and the block before it. */
async function listBlocks(pages: readonly string[]): Promise<[string, string, string][]> {
  const all = pages.map(async (page) => {
    const blocks = (await readFile(join(workspace, page), "utf8")).split("\n\n");
    return blocks.map((block, i): [string, string, string] => [page, block, blocks[i - 1] ?? ""]);
  });
  return (await Promise.all(all)).flat();
}

describe("docs/performance.md", function () {
  this.timeout(300_000); // three programs with a profiler in each

  it("profiles a trial in one process, and a coordinator and a host", async () => {
    // streamed.test.ts streams a smaller trial of the same file.
    const isLong = (line: string) =>
      /^npm run (lab -- )?(bench|lab -- million)|trials\/scale\/lr-mnist\.yaml$/.test(line);
    const { folder, code, stdout, stderr } = await runDocument("docs/performance.md", isLong);
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    // CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile: each thread writes its own file.
    const profiles = await readdir(join(folder, "profiles"));
    assert.equal(new Set(profiles.map((name) => name.split(".")[3])).size, 3);
  });

  it("names the commit, the backend and the judge of every table with measurements, as other pages do", async () => {
    const hashes = new Map<string, string>();
    for (const rule of ["gap", "evidence"] as const) hashes.set(rule, await hashJudge(rule));
    const pages = ["performance", "backends", "many-machines"].map((name) => `docs/${name}.md`);
    let [tables, judges] = [0, 0];
    for (const [page, block, before] of await listBlocks(pages)) {
      if (!/^\|.*\n\|[ |:-]+\n(.*\n)*.*\| +[\d.]/.test(block)) continue;
      tables++;
      const line = before.replaceAll("\n", " ");
      const named =
        /^Measured at `[0-9a-f]{8}`, (WebAssembly|PyTorch|TensorFlow and WebAssembly), (no judge|an earlier judge|judges? (.+))\.$/.exec(
          line,
        );
      assert.ok(
        named,
        `${page}: expected 'Measured at \`COMMIT\`, BACKEND, JUDGE.' before the table, got '${line}':\n${block}`,
      );
      for (const [, judge = "", hash] of named[3]?.matchAll(/`(\w+)` \(`([0-9a-f]{8})`\)/g) ?? []) {
        judges++;
        assert.equal(
          hash,
          hashes.get(judge),
          `${page}: judge ${judge} says other things than when this table was measured: measure again (npm run lab -- bench-peers clair) or say 'an earlier judge':\n${block}`,
        );
      }
    }
    assert.deepEqual([tables, judges], [13, 3]);
  });
});

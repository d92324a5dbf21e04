import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { toDense } from "@fedclair/core";
import { candidateKinds } from "@fedclair/core/internal";
import { addScaled, frobenius, item, subtract, type Matrix } from "@fedclair/linalg";
import { findAdapters, type AdapterFolder } from "../adapters/find-adapters.js";
import { openAdapter, readScaledPair, readChanges } from "../adapters/peft.js";
import { compareAdapters } from "../compare/compare-adapters.js";
import { parseClairOptions } from "../compare/options.js";
import { parseEvaluate } from "./evaluate-command.js";
import { createMeasuringWriter } from "./measure-candidates.js";
import type { MeasureOptions } from "./measure-losses.js";
import { createVersionWriter, type RefinedWriter } from "./write-refined.js";

const fixtures = fileURLToPath(new URL("../../../fixtures/adapters/presidents", import.meta.url));

/** A command that chooses by the path: `own` for one adapter, another candidate for the others. */
const fake = `import { appendFileSync } from "node:fs";
import { basename, dirname } from "node:path";
const [log, adapter] = process.argv.slice(2);
const kind = basename(dirname(adapter));
appendFileSync(log, adapter + "\\n");
const best = basename(adapter) === "calvin_coolidge" ? "none" : "added-half";
if (kind === "clair") console.log("nan");
else console.log("loss of 12 sequences:", kind === best ? 1 : 2);
`;

describe("measured candidates", () => {
  let root: string;
  let adapters: readonly AdapterFolder[];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "measured-"));
    await writeFile(join(root, "fake.mjs"), fake);
    const found = (await findAdapters([fixtures])).adapters;
    adapters = found.filter(({ name }) => !name.startsWith("bad-")).slice(0, 4);
    assert.ok(
      adapters.some(({ name }) => name === "calvin_coolidge"),
      String(adapters[0]?.name),
    );
  });
  afterEach(() => rm(root, { recursive: true }));

  const measuring = (text: string, own: Partial<MeasureOptions> = {}) =>
    createMeasuringWriter(join(root, "out"), adapters, {
      command: parseEvaluate(text),
      timeoutSeconds: 60,
      jobs: 2,
      signal: new AbortController().signal,
      ...own,
    });

  const run = async (writer: RefinedWriter) => {
    try {
      const options = parseClairOptions(["rank=1", "rule=gap"]);
      // So few adapters are all undecided.
      const refine = { ...writer.request, undecided: true };
      await compareAdapters({ adapters, options, refine });
      return await writer.finish();
    } finally {
      await writer.close();
    }
  };

  const command = () => `${process.execPath} '${root}/fake.mjs' '${root}/log' {adapter}`;

  /** own · X + others · mean of the other adapters, of the first module. */
  async function blend(of: string, own: number, others: number): Promise<Matrix> {
    const changes = await Promise.all(
      adapters.map(async ({ name, folder }) => {
        const [pair] = readChanges(await openAdapter(folder)).values();
        assert.ok(pair);
        return { name, change: toDense(pair) };
      }),
    );
    const sum = item(changes, 0).change.scale(0);
    for (const { name, change } of changes) {
      addScaled(sum, name === of ? own : others / (changes.length - 1), change);
    }
    return sum;
  }

  async function written(folder: string): Promise<Matrix> {
    const [pair] = (await openAdapter(folder)).modules.values();
    assert.ok(pair);
    return toDense(readScaledPair(pair));
  }

  it("are tried for every adapter, and the best one is written", async () => {
    const refined = await run(await measuring(command()));
    assert.deepEqual([refined.adapters, refined.unchanged], [4, ["calvin_coolidge"]]);
    const measured = refined.evaluation?.adapters ?? [];
    assert.deepEqual(
      measured.map(({ name }) => name),
      adapters.map(({ name }) => name),
    );
    for (const { name, losses, chosen } of measured) {
      const isSame = name === "calvin_coolidge";
      assert.equal(chosen, isSame ? "own" : "added-half");
      assert.deepEqual(Object.keys(losses), candidateKinds);
      assert.deepEqual([losses.own, losses["added-half"], losses.clair], [2, isSame ? 2 : 1, null]);
      const got = await written(join(root, "out", name));
      const expected = await blend(name, 1, isSame ? 0 : 0.5);
      const far = frobenius(subtract(got, expected)) / frobenius(expected);
      // The sum has a higher rank than the adapter.
      assert.ok(isSame ? far < 1e-6 : far > 0 && far < 0.5, `${name}: ${far}`);
    }
    const tried = (await readFile(join(root, "log"), "utf8")).trimEnd().split("\n");
    assert.equal(tried.length, adapters.length * candidateKinds.length);
    assert.ok(tried.every((path) => adapters.some(({ name }) => basename(path) === name)));
    const temporary = tried.filter((path) => !path.startsWith(fixtures));
    for (const path of temporary) await assert.rejects(readdir(path), /ENOENT/);
  });

  it("are removed, and nothing is written, if the command fails once", async () => {
    const text = `${command()}; case {adapter} in */added-whole/*) echo broken >&2; exit 3;; esac`;
    await assert.rejects(run(await measuring(text)), /added-whole of '.*': .* code 3\n {2}broken/);
    await assert.rejects(readdir(join(root, "out")), /ENOENT/);
    const tried = (await readFile(join(root, "log"), "utf8")).trimEnd().split("\n");
    const other = tried.find((path) => !path.startsWith(fixtures));
    assert.ok(other);
    await assert.rejects(readdir(other), /ENOENT/);
  });

  it("run no further command after an interruption", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const onProgress = (done: number) => {
      if (done === 3) controller.abort(reason);
    };
    const writer = await measuring(command(), { signal: controller.signal, jobs: 1, onProgress });
    await assert.rejects(run(writer), reason);
    const tried = (await readFile(join(root, "log"), "utf8")).trimEnd().split("\n");
    assert.equal(tried.length, 3);
  });

  it("are a shrunk and an added version without a command", async () => {
    const out = join(root, "out");
    await mkdir(out);
    const refined = await run(createVersionWriter(out, adapters));
    assert.deepEqual([refined.adapters, refined.versions], [4, ["shrunk", "added"]]);
    assert.ok(refined.discarded > 0 && refined.discarded < 0.5, String(refined.discarded));
    for (const [version, own] of [
      ["shrunk", 0.5],
      ["added", 1],
    ] as const) {
      assert.equal((await readdir(join(out, version))).length, 4);
      for (const { name } of adapters) {
        const expected = await blend(name, own, 0.5);
        const far = frobenius(subtract(await written(join(out, version, name)), expected));
        assert.ok(far < 0.6 * frobenius(expected), `${version} ${name}: ${far}`);
      }
    }
  });
});

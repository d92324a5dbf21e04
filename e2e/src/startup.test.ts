import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { saveAdapters } from "./support/adapters.js";
import { fedclair } from "./support/command.js";
import { fixture, temporaryFolder } from "./support/paths.js";

/** Lists the packages of node_modules that a command loads, in its process and its threads. */
async function listLoaded(...args: readonly string[]): Promise<Set<string>> {
  const folder = await temporaryFolder();
  const { code, stderr } = await fedclair(args, { env: { NODE_V8_COVERAGE: folder } });
  assert.equal(code, 0, stderr);
  const packages = new Set<string>();
  for (const file of await readdir(folder)) {
    const { result } = JSON.parse(await readFile(join(folder, file), "utf8")) as {
      result: { url: string }[];
    };
    for (const { url } of result) {
      const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
      if (name !== undefined) packages.add(name);
    }
  }
  assert.ok(packages.has("commander"), "nothing was recorded");
  return packages;
}

describe("a command loads only what it needs:", () => {
  for (const args of [["--help"], ["--version"], ["run", "--help"], ["coordinator", "--help"]]) {
    it(`${args.join(" ")} loads only the parser of its arguments`, async () => {
      assert.deepEqual([...(await listLoaded(...args))], ["commander"]);
    });
  }

  for (const command of ["list", "plugins", "plugins --schema", "audit"]) {
    it(`${command} loads neither TensorFlow.js nor vega, nor the library of a hub`, async () => {
      const folder = await temporaryFolder();
      await saveAdapters(folder, { p: 16, r: 1, count: 10, modules: 1 });
      const packages = await listLoaded(
        ...(command === "audit" ? ["audit", folder] : command.split(" ")),
      );
      assert.deepEqual(
        [...packages].filter((name) => /tensorflow|vega|huggingface/.test(name)),
        [],
      );
      assert.ok(packages.has("zod"));
    });
  }

  it("run and sweep do not load the packages of a queue", async () => {
    const folder = await temporaryFolder();
    const how = ["--transport", "memory", "--no-report", "--out", join(folder, "run")];
    const trial = ["run", fixture("linear-regression"), ...how];
    const file = join(folder, "grid.yaml");
    const text = await readFile(fixture("linear-regression"), "utf8");
    await writeFile(file, `${text}\nsweep: { measures: [bytes.up] }\n`);
    for (const args of [trial, ["sweep", file, "--no-report", "--out", join(folder, "sweep")]]) {
      const packages = [...(await listLoaded(...args))];
      assert.deepEqual(
        packages.filter((name) => /bullmq|redis|msgpackr/.test(name)),
        [],
      );
    }
  });
});

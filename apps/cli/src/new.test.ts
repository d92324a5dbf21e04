import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { version } from "@fedclair/runs";
import { newStudy } from "./new.js";
import { templateFolder, templates } from "./templates.js";

describe("fedclair new", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-new-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const refused = (path: string, template: string, message: RegExp) =>
    assert.rejects(newStudy(join(folder, path), { template }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, message);
      return true;
    });

  for (const template of templates) {
    it(`creates a study from ${template}, with its own name and this release`, async () => {
      const study = join(folder, "deep", "a-study");
      await newStudy(study, { template });
      const files = await readdir(study, { recursive: true });
      for (const file of [".gitignore", "README.md", "package.json", "trial.yaml", "test"]) {
        assert.ok(files.includes(file), file);
      }
      for (const file of files.filter((name) => /\.(json|md|yaml)$/.test(name))) {
        const text = await readFile(join(study, file), "utf8");
        assert.doesNotMatch(text, /my-study|fedclair-version/, file);
      }
      const { name, dependencies } = JSON.parse(
        await readFile(join(study, "package.json"), "utf8"),
      ) as { name: string; dependencies: Record<string, string> };
      assert.equal(name, "a-study");
      assert.equal(dependencies["fedclair"], `^${version}`);
    });
  }

  it("has the same near-median in every template that contains it", async () => {
    const [own, python] = await Promise.all(
      ["own-method", "python-clients"].map((template) =>
        readFile(join(templateFolder, template, "near-median.js"), "utf8"),
      ),
    );
    assert.equal(python, own);
  });

  it("says what Python clients need", async () => {
    const output = await newStudy(join(folder, "ours"), { template: "python-clients" });
    assert.match(
      output,
      /says how to pack these tarballs\.\n\nnpm start needs a virtual environment with fedclair-host in \.venv: README\.md says how/,
    );
    const plain = await newStudy(join(folder, "own"), { template: "own-method" });
    assert.match(
      plain,
      /npm install\n {2}npm test\n {2}npm start\n\nUntil fedclair is on npm, replace npm install with npm install \/tmp\/fedclair\*\.tgz\.\n/,
    );
  });

  it("gives the same advice on tarballs as the README of the study", async () => {
    for (const template of templates) {
      const output = await newStudy(join(folder, template), { template });
      const readme = await readFile(join(folder, template, "README.md"), "utf8");
      const [advice] = /Until fedclair is on npm[^]*?tarballs\./.exec(output) ?? [];
      assert.ok(advice);
      assert.ok(
        readme.replaceAll("`", "").replace(/\s+/g, " ").includes(advice.replace("\n", " ")),
      );
    }
  });

  it("rejects a folder that is not empty, and an invalid name", async () => {
    await newStudy(join(folder, "taken"), { template: "own-method" });
    await refused("taken", "own-method", /is not empty: choose another, nothing is overwritten/);
    await refused("My Study", "own-method", /'My Study' names a package and a trial: expected/);
    assert.deepEqual((await readdir(folder)).sort(), ["taken"]);
  });
});

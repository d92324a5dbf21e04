import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
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
        assert.doesNotMatch(text, /my-study|fedclair-(version|install|checkout)/, file);
      }
      const { name, dependencies } = JSON.parse(
        await readFile(join(study, "package.json"), "utf8"),
      ) as { name: string; dependencies: Record<string, string> };
      assert.equal(name, "a-study");
      assert.equal(dependencies["fedclair"], `^${version}`);
    });
  }

  it("creates a study in an empty folder that a link leads to", async () => {
    await mkdir(join(folder, "empty"));
    await symlink("empty", join(folder, "a-study"));
    await newStudy(join(folder, "a-study"), { template: "own-method" });
    assert.ok(existsSync(join(folder, "empty", "trial.yaml")));
  });

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
      /\n\nnpm start needs a virtual environment with fedclair-host in \.venv: README\.md says how/,
    );
    const readme = await readFile(join(folder, "ours/README.md"), "utf8");
    const [, place = ""] = /^\.venv\/bin\/pip install (\S+)$/m.exec(readme) ?? [];
    assert.ok(existsSync(join(folder, "ours", place, "pyproject.toml")), place);
  });

  for (const template of templates) {
    it(`prints the commands of the README of ${template}, which install what the checkout packs`, async () => {
      const study = join(folder, "own");
      const output = await newStudy(study, { template });
      const install = output.split("\n  ").slice(2, 5);
      assert.equal(install[0], "mkdir packages");
      const [, root = ""] = /^npm --prefix (\S+) pack /.exec(install[1] ?? "") ?? [];
      assert.ok(existsSync(join(study, root, "libs/core/package.json")), root);
      assert.equal(install[2], "npm install ./packages/*.tgz");
      const readme = await readFile(join(study, "README.md"), "utf8");
      assert.ok(readme.includes(`\`\`\`sh\n${install.join("\n")}\n`), readme);
    });
  }

  it("installs nothing where a folder above has everything", async () => {
    await symlink(join(templateFolder, "../../../node_modules"), join(folder, "node_modules"));
    const output = await newStudy(join(folder, "own"), { template: "own-method" });
    assert.match(output, /next steps:\n\n {2}cd \S+own\n {2}npm test\n {2}npm start\n$/);
    const readme = await readFile(join(folder, "own/README.md"), "utf8");
    assert.match(readme, /```sh\nnpx fedclair run trial\.yaml\n/);
  });

  it("rejects a folder that is not empty, and an invalid name", async () => {
    await newStudy(join(folder, "taken"), { template: "own-method" });
    await refused("taken", "own-method", /is not empty: choose another, nothing is overwritten/);
    await refused("My Study", "own-method", /'My Study' names a package and a trial: expected/);
    assert.deepEqual((await readdir(folder)).sort(), ["taken"]);
  });
});

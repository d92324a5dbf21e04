import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Trial } from "@fedclair/core/internal";
import { addPythonCode, hashPython } from "./python-code.js";

describe("the hash of Python code", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const write = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      const file = join(folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  };
  const hash = () => hashPython(folder, ["model"]);

  for (const [how, statement, file] of [
    ["imports by name", "import layers", "layers.py"],
    ["imports with others", "import os, layers as l", "layers.py"],
    ["imports inside a function", "def f():\n    import layers", "layers.py"],
    ["imports after another statement", "x = 1; import layers", "layers.py"],
    ["imports a name of", "from layers import Dense", "layers.py"],
    ["imports from a package", "from nets import cnn", "nets/cnn.py"],
    [
      "imports over several lines",
      "from nets import (  # both\n    mlp,\n    cnn as c,\n)",
      "nets/cnn.py",
    ],
    ["imports after a backslash", "from nets import \\\n    cnn", "nets/cnn.py"],
    ["imports by a path", "import nets.deep.cnn", "nets/deep/cnn.py"],
    ["imports through a package", "import nets.cnn", "nets/__init__.py"],
    ["imports without spaces", "from.layers import(Dense)", "layers.py"],
    [
      "imports with a comment in brackets",
      "from nets import (\n  mlp,  # (old)\n  cnn)",
      "nets/cnn.py",
    ],
    ["imports by a name with other letters", "from données import S", "données.py"],
    ["imports after a mark of the byte order", "\uFEFFimport layers", "layers.py"],
    ["imports by a literal", 'importlib.import_module("layers")', "layers.py"],
    ["imports by the built-in function", "__import__('layers')", "layers.py"],
  ] as const) {
    it(`covers a file that the module ${how}`, () => {
      write({ "model.py": `${statement}\n`, "nets/__init__.py": "", [file]: "a = 1\n" });
      const before = hash();
      write({ [file]: "a = 2\n" });
      assert.notEqual(hash(), before);
    });
  }

  it("follows relative imports inside a package", () => {
    write({
      "model.py": "from nets.deep import cnn\n",
      "nets/__init__.py": "",
      "nets/deep/__init__.py": "",
      "nets/deep/cnn.py": "from . import block\nfrom ..shapes import size\n",
      "nets/deep/block.py": "a = 1\n",
      "nets/shapes.py": "size = 1\n",
    });
    const before = hash();
    write({ "nets/deep/block.py": "a = 2\n" });
    const between = hash();
    assert.notEqual(between, before);
    write({ "nets/shapes.py": "size = 2\n" });
    assert.notEqual(hash(), between);
  });

  it("covers what a package offers to `import *`", () => {
    write({
      "model.py": "from nets import *\n",
      "nets/__init__.py": '__all__ = [\n    "cnn",\n]\n',
      "nets/cnn.py": "a = 1\n",
    });
    const before = hash();
    write({ "nets/cnn.py": "a = 2\n" });
    assert.notEqual(hash(), before);
  });

  it("ends in spite of links in a circle", () => {
    write({ "model.py": "import nets.cnn\n", "nets/cnn.py": "import nets\n" });
    symlinkSync(folder, join(folder, "nets/nets"));
    assert.match(hash() ?? "", /^[0-9a-f]{16}$/);
  });

  it("does not depend on the place, on other files or on a circle of imports", () => {
    const files = { "model.py": "import torch\nimport helper\n", "helper.py": "import model\n" };
    write(files);
    const before = hash();
    assert.match(before ?? "", /^[0-9a-f]{16}$/);
    write({ "other.py": "a = 1\n", "notes/model.py": "import helper\n" });
    assert.equal(hash(), before);
    write(Object.fromEntries(Object.entries(files).map(([name, text]) => [`moved/${name}`, text])));
    assert.equal(hashPython(join(folder, "moved"), ["model"]), before);
  });

  it("is absent if a module is not in the folder", () => {
    write({ "model.py": "" });
    assert.equal(hashPython(folder, ["model", "torchvision"]), undefined);
  });

  describe("in a trial", () => {
    const trial = (python: Trial["python"]) => ({ python }) as Trial;

    it("is added, and may stay what it was", () => {
      write({ "model.py": "a = 1\n" });
      const python = { clients: "model:make", folder };
      const once = addPythonCode(trial(python), "t.yaml");
      assert.deepEqual(once.python, { ...python, code: hash() });
      assert.deepEqual(addPythonCode(once, "t.yaml"), once);
      write({ "model.py": "a = 2\n" });
      assert.throws(
        () => addPythonCode(once, "t.yaml"),
        /t\.yaml: the Python code of model has changed since this was started \(code [0-9a-f]{16}, now [0-9a-f]{16}\): restore it/,
      );
    });

    it("covers the module with the first params of a Flower app, and its options", () => {
      write({ "app.py": "a = 1\n", "start.py": "a = 1\n", "pyproject.toml": "" });
      const flower = { app: "app:app", initial: "start:make", folder };
      const once = addPythonCode({ flower } as Trial, "t.yaml");
      write({ "start.py": "a = 2\n" });
      assert.throws(() => addPythonCode(once, "t.yaml"), /the Python code of app and start has/);
      write({ "start.py": "a = 1\n", "pyproject.toml": "[tool.flwr.app.config]\nlr = 1\n" });
      assert.throws(() => addPythonCode(once, "t.yaml"), /the Python code of app and start has/);
    });

    it("stays away if the module or its folder is unknown", () => {
      for (const python of ["model:make", { clients: "model:make", folder }])
        assert.deepEqual(addPythonCode(trial(python), "t.yaml"), trial(python));
    });
  });
});

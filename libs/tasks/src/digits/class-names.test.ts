import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { UserError } from "@fedclair/core";
import { checkValue } from "@fedclair/core/internal";
import { encode } from "fast-png";
import { idx } from "../../testing/array-files.js";
import { readSource } from "./data.js";
import { digits } from "./index.js";
import { pixels } from "./images.js";

const png = Buffer.from(encode({ width: 1, height: 1, channels: 1, data: Uint8Array.of(7) }));
const numbers = (...labels: readonly number[]) => ({
  "images-idx3-ubyte": idx([labels.length, 1, 2], new Uint8Array(2 * labels.length)),
  "labels-idx1-ubyte": idx([labels.length], Uint8Array.from(labels)),
});
const json = JSON.stringify({ data: new Array<number>(pixels).fill(0) });

describe("classes that a trial of digits names", () => {
  let root: string;
  let folders = 0;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-classes-"));
  });
  after(() => rm(root, { recursive: true }));

  /** Reads files with these classes. */
  async function read(
    files: Readonly<Record<string, string | Uint8Array>>,
    classes: readonly (string | number)[] | undefined,
    file?: string,
  ) {
    const folder = join(root, `${folders++}`);
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    const where = file === undefined ? { folder } : { file: join(folder, file) };
    const { source } = digits.schema.parse({ source: { ...where, classes } });
    return await readSource(source as never);
  }

  for (const [what, files, file, classes, labels] of [
    ["a table", { "t.csv": "label,a\ndog,1\ncat,2\n" }, "t.csv", ["dog", "cat", "cow"], [0, 1]],
    ["numbers", { "t.csv": "label,a\n7,1\n3,2\n" }, "t.csv", [7, "x", 3], [0, 2]],
    ["PNG folders", { "a/1.png": png, "b/1.png": png }, undefined, ["c", "b", "a"], [1, 2]],
    ["IDX", numbers(5, 0), undefined, ["0", "5"], [1, 0]],
    ["JSON", { "4.json": json, "2.json": json }, undefined, [4, 3, 2], [2, 0]],
  ] as const) {
    it(`are numbered in the trial's order, in ${what}`, async () => {
      const found = await read(files, classes, file);
      assert.deepEqual([found.classes, [...found.labels]], [classes.length, labels]);
    });
  }

  for (const [what, files, file, place, got] of [
    [
      "a row",
      { "t.csv": "label,a\ncat,1\nDog,2\n" },
      "t.csv",
      "t\\.csv, line 3: column 'label'",
      "Dog",
    ],
    ["a folder", { "cat/1.png": png, "cow/1.png": png }, undefined, "the subfolders of .*", "cow"],
    ["an IDX label", numbers(0, 2), undefined, ".*labels-idx1-ubyte: label 0", "0"],
    ["a JSON file", { "9.json": json }, undefined, ".*9\\.json", "9"],
  ] as const) {
    it(`are the only ones: ${what} with another is an error`, async () => {
      const message = `${place}: expected one of the classes cat, dog, 2, got '${got}'`;
      await assert.rejects(
        read(files, ["cat", "dog", 2], file),
        (error) => error instanceof UserError && new RegExp(message).test(error.message),
        message,
      );
    });
  }

  it("are at least two different names", () => {
    const faultsOf = (classes: unknown) =>
      checkValue(digits.schema, { source: { file: "t.csv", classes } }).faults;
    assert.deepEqual(faultsOf(["a", 1, "2.5"]), []);
    assert.match(faultsOf(["a"]).join(), /^source\.classes: expected at least 2/);
    assert.match(faultsOf([1, "1"]).join(), /^source\.classes: '1' is there twice/);
    assert.match(faultsOf(["a", true]).join(), /^source\.classes\.1: expected a name or a number/);
  });
});

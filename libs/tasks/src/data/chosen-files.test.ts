import assert from "node:assert/strict";
import { UserError } from "@fedclair/core";
import { chosenFile } from "../../testing/chosen.js";
import { mostBytes, nameOf, noteOthers, pickFiles } from "./chosen-files.js";

const files = (...paths: readonly string[]) => paths.map((path) => chosenFile(path, "x"));

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof UserError);
    return error.message;
  }
  return assert.fail("no error");
}

describe("files that are chosen in a browser", () => {
  it("are picked by the kinds that a task reads, without hidden ones", () => {
    const chosen = files("p/a.png", "p/.b.png", ".git/c.png", "__MACOSX/p/a.png", "p/Thumbs.db");
    const picked = pickFiles(chosen, ["table", "image"]);
    assert.deepEqual([picked.kind, picked.files.length, picked.others], ["image", 1, 1]);
    assert.match(noteOthers(picked).join(), /^One other file was not read: expected \.png images/);
    const table = pickFiles(files("x/a.TSV", "x/a.png", "x/b.png"), ["table", "image"]);
    assert.deepEqual([table.kind, table.others], ["table", 2]);
    assert.match(noteOthers(table).join(), /^2 other files were not read/);
    assert.deepEqual(noteOthers(pickFiles(files("a.csv"), ["table"])), []);
  });

  it("must be of such a kind, one table, and not too large", () => {
    assert.equal(
      messageOf(() => pickFiles(files("c/a.jpg", "c/b.jpg"), ["table", "image"])),
      "source: expected a table whose name ends in .csv or .tsv, or .png images in a folder per class, got c/a.jpg: convert it, or choose another file",
    );
    assert.match(
      messageOf(() => pickFiles([], ["text"])),
      /got the folder, which is empty/,
    );
    assert.match(
      messageOf(() => pickFiles(files("a.csv", "b.csv"), ["table"])),
      /expected one table, got a\.csv and b\.csv/,
    );
    const half = { size: mostBytes / 2 + 1 } as never;
    const large = ["a.txt", "b.txt"].map((path) => ({ path, content: half }));
    assert.match(
      messageOf(() => pickFiles(large, ["text"])),
      /2 files: expected at most 67108864 bytes, got 67108866/,
    );
  });

  it("have a common name", () => {
    assert.equal(nameOf(files("a/b.csv")), "a/b.csv");
    assert.equal(nameOf(files("pets/cat/1.png", "pets/dog/1.png")), "pets");
    assert.equal(nameOf(files("cat/1.png", "dog/1.png")), "2 files");
  });
});

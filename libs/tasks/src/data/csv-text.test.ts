import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { chosenFile } from "../../testing/chosen.js";
import { previewTable, readChosenTable } from "./csv-text.js";
import { numbers, readTable, texts } from "./table.js";

const wanted = { score: numbers("score"), group: texts("group") };

function messageOf(error: unknown): string {
  assert.ok(error instanceof UserError, String(error));
  return error.message;
}

describe("reading a table that is chosen in a browser", () => {
  let root: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-chosen-"));
  });
  after(() => rm(root, { recursive: true }));

  /** Returns the numbers and texts of a table, or the message of its error. */
  async function read(source: Parameters<typeof readTable>[0]) {
    try {
      const { table } = await readTable(source, wanted);
      const places = table.rows > 0 ? table.place(table.rows - 1) : "";
      return { score: [...table.numbers("score")], group: table.texts("group"), places };
    } catch (error) {
      return messageOf(error);
    }
  }

  const tables: readonly (readonly [string, string, readonly number[] | RegExp])[] = [
    ["a.csv", '\ufeffgroup, score\r\na,1.5\r\n"b, c",-2\r\n\r\n', [1.5, -2]],
    ["semi.csv", "score;group\n1.5;a\n3e2;b, c\n", [1.5, 300]],
    ["a.tsv", "group\tscore\nx\t7", [7]],
    ["cell.csv", "score,group\n1,a\nx,b\n", /, line 3: column 'score': expected a number, got 'x'/],
    ["long.csv", "score,group\n1,a\n2,b,c\n", /, line 3: expected as many cells .*, got 3/],
    ["quote.csv", 'score,group\n1,"a\n', /, row 1: a quoted cell is never closed/],
    ["twice.csv", "score,group,score\n1,a,2\n", /has several columns 'score'/],
    ["column.csv", "scores,group\n1,a\n", /has no column 'score', did you mean 'scores'/],
    ["rows.csv", "score,group\n", /expected at least one row of data/],
    ["empty.csv", "", /expected a first row with names of columns, got an empty file/],
  ];
  for (const [name, content, expected] of tables) {
    it(`reads ${name} as Node.js does`, async () => {
      const path = join(root, name);
      await writeFile(path, content);
      const inNode = JSON.stringify(await read({ file: path })).replaceAll(path, name);
      const chosen = await readChosenTable(chosenFile(name, content)).then(read, messageOf);
      if (expected instanceof RegExp) assert.match(JSON.stringify(chosen), expected);
      else assert.deepEqual(typeof chosen === "object" && chosen.score, expected);
      assert.equal(JSON.stringify(chosen), inNode);
    });
  }

  it("previews the first rows of a large table, of whatever length", async () => {
    const content = `\ufeffa;b\n1;"x;y"\n2\n${"3;z\n".repeat(30_000)}`;
    const rows = await previewTable(chosenFile("a.csv", content));
    assert.deepEqual(rows.slice(0, 4), [["a", "b"], ["1", "x;y"], ["2"], ["3", "z"]]);
    assert.equal(rows.length, 6);
  });

  it("previews wide tables and hostile cells in little space", async () => {
    const [zeros, bidi] = ["\0".repeat(1e5), "a\u202eb"];
    const wide = Array.from({ length: 5000 }, (_, i) => i);
    const preview = async (content: string) => await previewTable(chosenFile("a.csv", content));
    const [[first = "", second] = []] = await preview(`${zeros},${bidi}\n1,2\n`);
    assert.ok(first.startsWith("\\u{0}\\u{0}") && first.length < 80, first);
    assert.deepEqual([second], [undefined]);
    assert.deepEqual(await preview(`${bidi}\n1\n`), [["a\\u{202e}b"], ["1"]]);
    assert.deepEqual(await preview(wide.join()), [[...wide.slice(0, 20).map(String), "…"]]);
  });

  it("reports a file that cannot be read", async () => {
    const text = () => Promise.reject(new Error("gone"));
    const file = { path: "a.csv", content: { size: 1, text } };
    await assert.rejects(readChosenTable(file as never), /cannot read a\.csv: Error: gone/);
  });
});

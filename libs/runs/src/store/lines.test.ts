import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLines } from "./lines.js";

describe("readLines", () => {
  let out: string;
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(out, { recursive: true }));

  const read = async (text: string) => {
    await writeFile(join(out, "records.jsonl"), text);
    return readLines<unknown>(out, "records.jsonl");
  };

  it("reads one value per line, with any string content, and ignores an incomplete line", async () => {
    const values = [{ a: "x\u2028y\r\u0085z" }, "é".repeat(3 * 2 ** 20), 3];
    const text = values.map((value) => JSON.stringify(value) + "\n").join("");
    assert.deepEqual(await read(text), values);
    assert.deepEqual(await read(text + '{"b":'), values);
    assert.deepEqual(await read(""), []);
    assert.deepEqual(await readLines(out, "artifacts.jsonl"), []);
  });

  it("names the line that is not JSON", async () => {
    await assert.rejects(read('{}\n{"a\n{}\n'), /UserError: .*records\.jsonl:2: expected JSON: /);
    await appendFile(join(out, "timings.jsonl"), "\n");
    await assert.rejects(readLines(out, "timings.jsonl"), /timings\.jsonl:1: expected JSON/);
  });
});

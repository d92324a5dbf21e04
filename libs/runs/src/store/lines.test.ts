import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recordOf } from "../../testing/run-of.js";
import { readLines } from "./lines.js";
import { readOnlyInside } from "./regular-file.js";

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
    const values = ["x\u2028y\r\u0085z", "é".repeat(3 * 2 ** 20)].map((phase) => {
      return { ...recordOf("toy-mean", 1), phase };
    });
    const text = values.map((value) => JSON.stringify(value) + "\n").join("");
    assert.deepEqual(await read(text), values);
    assert.deepEqual(await read(text + '{"b":'), values);
    assert.deepEqual(await read(""), []);
    assert.deepEqual(await readLines(out, "artifacts.jsonl"), []);
  });

  it("names the line that is not JSON, or is not about a round", async () => {
    const good = JSON.stringify(recordOf("toy-mean", 1));
    await assert.rejects(
      read(`${good}\n{"a\n{}\n`),
      /UserError: .*records\.jsonl:2: expected JSON: /,
    );
    const record = recordOf("toy-mean", 1);
    const wrong = [
      { score: "9" },
      { evidence: [{ deviations: "9" }] },
      { train: { loss: "1" } },
      { reason: null },
    ];
    const lines = wrong.map((change) => ({ ...record, clients: [{ clientId: "c0", ...change }] }));
    const names = ["W".repeat(129), "c0\nc1", "\u202ec0"].flatMap((name) => [
      { ...record, clients: [{ clientId: name }] },
      { ...record, cleared: [name] },
      { ...record, arm: name },
    ]);
    const broken = [null, [], 3, ...lines, ...names, { ...record, cleared: 1 }];
    for (const line of broken.map((one) => JSON.stringify(one))) {
      const expected = /records\.jsonl:2: expected what a run writes about a round, got /;
      await assert.rejects(read(`${good}\n${line}\n`), expected);
    }
    await appendFile(join(out, "timings.jsonl"), "\n");
    await assert.rejects(readLines(out, "timings.jsonl"), /timings\.jsonl:1: expected JSON/);
  });

  it("reads no line for a page that would keep its server busy", async () => {
    const line = JSON.stringify({ ...recordOf("toy-mean", 1), phase: "x".repeat(2 ** 24) });
    assert.equal((await read(`${line}\n`)).length, 1);
    await assert.rejects(
      readOnlyInside(out, () => readLines(out, "records.jsonl")),
      /records\.jsonl': expected lines of at most 16777216 characters; use fedclair report/,
    );
  });

  it("does not wait for a device", async function () {
    if (process.platform === "win32") this.skip();
    await symlink("/dev/zero", join(out, "records.jsonl"));
    await assert.rejects(readLines(out, "records.jsonl"), /expected a regular file, got a device/);
  });
});

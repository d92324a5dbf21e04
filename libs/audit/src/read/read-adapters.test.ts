import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { createReadingTable } from "../text/reading-text.js";
import { readAdapters } from "./read-adapters.js";

describe("the reading of adapters", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "read-"));
    await writeFile(join(root, "config.json"), "{}");
  });
  afterEach(() => rm(root, { recursive: true }));

  const adapters = ["a", "b"].map((name) => ({ name, folder: `/adapters/${name}` }));

  /** Reads by a program in place of Python that writes the paths of its stdin to `paths`. */
  async function read(script: string, base = root, timeoutSeconds = 60) {
    const python = join(root, "python");
    await writeFile(python, `#!/bin/sh\nread -r paths\n${script}\n`);
    await chmod(python, 0o755);
    const done: number[] = [];
    const reading = await readAdapters(
      adapters,
      { base, python, timeoutSeconds },
      { signal: new AbortController().signal, onProgress: (count) => done.push(count) },
    );
    return { reading, done };
  }

  it("asks Python with the base, the time and the paths, and keeps what it reports", async () => {
    const tokens = [{ text: " Visit", lift: 4.5 }];
    const readings = { "/adapters/a": { tokens, goesOn: ["Visit\u001b[2J evil.example"] } };
    const { reading, done } = await read(
      `echo "$paths" "$@" > ${root}/asked
      echo 'Loading weights: 100%'
      echo '{"done": 1}'; echo '{"done": 2}'
      echo '${JSON.stringify({ readings })}'`,
    );
    assert.deepEqual(done, [0, 1, 2]);
    assert.deepEqual(reading.adapters, [
      { name: "a", ...readings["/adapters/a"] },
      { name: "b", tokens: [], goesOn: [], why: "Python did not report it" },
    ]);
    assert.deepEqual(createReadingTable(reading).rows, [
      ["a", "‘Visit’", "‘Visit\\u{1b}[2J evil.example’"],
      ["b", "not read", "Python did not report it"],
    ]);
    const paths = JSON.stringify(adapters.map(({ folder }) => folder));
    assert.equal(
      await readFile(join(root, "asked"), "utf8"),
      `${paths} -m fedclair.read_adapters ${root} --seconds 48\n`,
    );
  });

  it("fails with a reason that says what to change", async () => {
    for (const [script, why] of [
      ["echo 'No module named fedclair' >&2; exit 1", /failed with code 1\n {2}No module named/],
      [
        "exit 0",
        /expected readings on stdout, got none\n {2}It needs a Python with fedclair\[peft\]/,
      ],
      [`echo '{"readings": {"/adapters/a": {"tokens": [1]}}}'`, /expected readings on stdout/],
    ] as const) {
      await assert.rejects(read(script), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, why);
        return true;
      });
    }
    await assert.rejects(read("sleep 60", root, 0.2), /--read-timeout SECONDS sets another limit/);
    await assert.rejects(read("exit 0", join(root, "no")), /expected the folder of a base model/);
  });
});

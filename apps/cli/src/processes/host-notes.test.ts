import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HostNotes } from "./host-notes.js";

describe("the notes of hosts", () => {
  const notes = new HostNotes();
  after(() => {
    notes.close();
  });

  const noteOf = (text: string, beside = "") => {
    const file = notes.create();
    const content = Buffer.alloc(4096);
    content.write(text);
    content.write(beside, 2048);
    writeFileSync(file, content);
    return file;
  };
  const told = (folder: string) =>
    readdirSync(folder)
      .filter((name) => name.startsWith("ended-"))
      .map((name) => readFileSync(join(folder, name), "utf8"));

  it("tell which client ended its host, and of others only what the host was doing", () => {
    const file = noteOf("c03\ntrain of c03 in round 2");
    const folder = dirname(file);
    assert.equal(notes.settle(noteOf(""), 1), undefined);
    assert.equal(notes.settle(noteOf("\nloading model:make"), 1), "loading model:make");
    assert.equal(
      notes.settle(noteOf("c05\ntrain of c05 in round 2"), "SIGKILL"),
      "train of c05 in round 2",
    );
    assert.deepEqual(told(folder), []);
    assert.equal(notes.settle(file, 7), "train of c03 in round 2");
    notes.settle(noteOf("c04\tc06\ntrain of c04, c06 in round 2"), "SIGSEGV");
    assert.deepEqual(told(folder).sort(), [
      "c03\nit ended its host with 7 (train of c03 in round 2)",
      "c04\tc06\nit ended its host with SIGSEGV (train of c04, c06 in round 2)",
    ]);
    assert.equal(notes.settle(file, 7), undefined, "it is cleared");
  });

  it("name no client if one ran beside another, and the one that ran alone", () => {
    const both = ["c01\ntrain of c01 in round 2", "c02\ntrain of c02 in round 2"] as const;
    const folder = dirname(noteOf(""));
    const before = told(folder);
    const doing = "train of c01 in round 2, or train of c02 in round 2";
    assert.equal(notes.settle(noteOf(...both), 7), doing);
    assert.equal(notes.settle(noteOf("", both[1]), 7), "train of c02 in round 2");
    assert.deepEqual(
      told(folder)
        .filter((text) => !before.includes(text))
        .sort(),
      [
        `c01\tc02\nit ended its host with 7 (${doing})`,
        "c02\nit ended its host with 7 (train of c02 in round 2)",
      ],
    );
  });

  it("may be removed by somebody else", () => {
    const file = noteOf("c03\ntrain of c03 in round 2");
    rmSync(dirname(file), { recursive: true });
    assert.equal(notes.settle(file, 7), undefined);
    assert.ok(existsSync(notes.create()));
  });

  it("are gone after the trial, when hosts may still end", () => {
    const file = noteOf("c03\ntrain of c03 in round 2");
    notes.close();
    assert.ok(!existsSync(dirname(file)));
    assert.equal(notes.settle(file, 7), undefined);
  });
});

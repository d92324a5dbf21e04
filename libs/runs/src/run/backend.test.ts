import assert from "node:assert/strict";
import { backendsFor } from "@fedclair/compute";
import { UserError } from "@fedclair/core";
import type { PreparedTrial } from "@fedclair/core/internal";
import { chooseTrialBackend, hostBackends } from "./backend.js";

/** A task that trains faster on TensorFlow's library from 10 units on. */
const net = { backend: ({ units }: { units: number }) => (units < 10 ? "wasm" : "tensorflow") };
const trial = (name: string, units: number) => {
  const taskPlugin = name === "net" ? net : {};
  return { trial: { task: { name, units } }, taskPlugin } as unknown as PreparedTrial;
};
const large = trial("net", 10);

describe("chooseTrialBackend", () => {
  const before = process.env["FEDCLAIR_BACKEND"];

  beforeEach(() => {
    delete process.env["FEDCLAIR_BACKEND"];
  });

  after(() => {
    if (before !== undefined) process.env["FEDCLAIR_BACKEND"] = before;
  });

  it("chooses the backend that all trials of a process are faster on", () => {
    const fast = backendsFor("auto").at(-1);
    const choose = (...trials: PreparedTrial[]) => chooseTrialBackend(trials, "auto").name;
    assert.equal(choose(large), fast);
    assert.equal(choose(large, large), fast);
    assert.equal(choose(large, trial("net", 9)), "wasm");
    assert.equal(choose(trial("plain", 10)), "wasm");
  });

  it("uses the backend that the user chose", () => {
    assert.equal(chooseTrialBackend([large], "cpu").name, "cpu");
    process.env["FEDCLAIR_BACKEND"] = "cpu";
    assert.equal(chooseTrialBackend([large], "auto").name, "cpu");
    assert.deepEqual(hostBackends("auto"), ["cpu"]);
  });

  it("rejects an unknown backend", () => {
    process.env["FEDCLAIR_BACKEND"] = "gpu";
    const expected = (error: unknown) =>
      error instanceof UserError && error.message.includes('"gpu": expected one of auto, ');
    assert.throws(() => chooseTrialBackend([large], "auto"), expected);
    assert.throws(() => hostBackends("auto"), expected);
  });
});

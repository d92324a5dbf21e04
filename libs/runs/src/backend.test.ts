import assert from "node:assert/strict";
import { backendsFor } from "@fedclair/compute";
import { UserError, type Plugins } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import { chooseTrialBackend, hostBackends } from "./backend.js";

/** Of a task whose trials are faster on TensorFlow's library from 10 units on, and of one that does not say. */
const tasks = new Map([
  ["net", { backend: ({ units }: { units: number }) => (units < 10 ? "wasm" : "tensorflow") }],
  ["plain", {}],
]) as unknown as Plugins["tasks"];
const trial = (name: string, units: number) => ({ task: { name, units } }) as unknown as Trial;
const large = trial("net", 10);

describe("backendOf", () => {
  const before = process.env["FEDCLAIR_BACKEND"];

  beforeEach(() => {
    delete process.env["FEDCLAIR_BACKEND"];
  });

  after(() => {
    if (before !== undefined) process.env["FEDCLAIR_BACKEND"] = before;
  });

  it("goes by what all trials of a process are faster on", () => {
    const fast = backendsFor("auto").at(-1);
    const choose = (...trials: Trial[]) => chooseTrialBackend(trials, { tasks }, "auto").name;
    assert.equal(choose(large), fast);
    assert.equal(choose(large, large), fast);
    assert.equal(choose(large, trial("net", 9)), "wasm");
    assert.equal(choose(trial("plain", 10)), "wasm");
  });

  it("goes by what the user says", () => {
    assert.equal(chooseTrialBackend([large], { tasks }, "cpu").name, "cpu");
    process.env["FEDCLAIR_BACKEND"] = "cpu";
    assert.equal(chooseTrialBackend([large], { tasks }, "auto").name, "cpu");
    assert.deepEqual(hostBackends("auto"), ["cpu"]);
  });

  it("tells the user of a name that is none", () => {
    process.env["FEDCLAIR_BACKEND"] = "gpu";
    const expected = (error: unknown) =>
      error instanceof UserError && error.message.includes('"gpu": expected one of auto, ');
    assert.throws(() => chooseTrialBackend([large], { tasks }, "auto"), expected);
    assert.throws(() => hostBackends("auto"), expected);
  });
});

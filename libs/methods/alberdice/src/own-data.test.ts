import assert from "node:assert/strict";
import { createTask, numbersOf, trainClient, useDataFolder } from "@fedclair/tasks/testing";
import { alberdice } from "./task.js";

describe("own data", () => {
  const folder = useDataFolder();

  it("of alberdice are episodes that stay together, and end in a state of their own", async () => {
    const steps = Array.from({ length: 4 }, (_, episode) => [
      [episode, "s", "a", episode % 2 === 0 ? "a" : "b", 1],
      [episode, "t", "b", "b", 2],
    ]).flat();
    const file = await folder.writeRows([
      ["episode", "state", "first", "second", "reward"],
      ...steps,
    ]);
    const columns = { actions: ["first", "second"], episode: "episode" };
    const task = await createTask(alberdice, { source: { file, columns }, sweeps: 1 });
    const { result } = await trainClient(task, 0, 2, "agent0");
    // Two episodes of two steps, each followed by one step at the end.
    assert.equal(result.numExamples, 6);
    assert.deepEqual(numbersOf(result, "visits"), [1 / 3, 1 / 3, 1 / 3]);
    const missing = { source: { file, columns: { actions: ["first", "second"] } } };
    assert.throws(() => alberdice.schema.parse(missing), /expected next, or episode/);
    const alone = { source: { file, columns }, mode: "agent-per-client" };
    const owners = await createTask(alberdice, alone);
    assert.throws(() => owners.checkClients?.(3), /expected clients: 2, got 3/);
  });
});

import assert from "node:assert/strict";
import { checkPlugin } from "@fedclair/core/internal";
import { loadTasks } from "./load-tasks.js";
import { taskAggregatorNames, taskNames, taskPackages } from "./task-packages.js";

const { tasks, aggregators } = await loadTasks();

describe("the registry of tasks", () => {
  it("lists all tasks by name, with the aggregators that they define", () => {
    assert.deepEqual([...tasks.keys()], taskNames);
    assert.deepEqual([...aggregators.keys()], taskAggregatorNames);
  });

  it("loads what a trial names, or whose aggregator it names; all if it names none", async () => {
    const loadedFor = async (content: unknown) => [...(await loadTasks(content)).tasks.keys()];
    assert.deepEqual(await loadedFor({ task: { name: "digits" } }), ["digits"]);
    assert.deepEqual(await loadedFor({ name: "digits", task: { name: "network" } }), [
      "digits",
      "network",
    ]);
    const baselines = [{ aggregator: { name: "cosine-rule" } }];
    assert.deepEqual(await loadedFor({ task: { name: "digits" }, baselines }), [
      "alberdice",
      "digits",
    ]);
    assert.deepEqual(await loadedFor({ task: [{ name: ["digits", "network"] }] }), [
      "digits",
      "network",
    ]);
    for (const content of [undefined, null, "text", [], {}])
      assert.deepEqual(await loadedFor(content), taskNames);
    // The error about a misspelt name lists all tasks.
    assert.deepEqual(await loadedFor({ name: "network", task: { name: "digts" } }), taskNames);
  });

  it("declares the metrics of every task, and the primary one", () => {
    for (const { name, metrics, primary, isExternal = false } of tasks.values()) {
      if (isExternal) continue;
      assert.ok(metrics && primary !== undefined && primary in metrics, name);
      assert.ok(metrics[primary]?.better !== undefined, `${name}: better is unknown`);
    }
  });
});

describe("the package of a method", () => {
  it("names in its package.json the plug-ins that it exports", async () => {
    for (const { tasks: names, aggregators: rules, load } of taskPackages) {
      const plugins = await load();
      assert.deepEqual(
        plugins.map(({ name }) => name),
        names,
      );
      const own = plugins.flatMap((plugin) => plugin.aggregators ?? []);
      assert.deepEqual(
        own.map(({ name }) => name),
        rules,
      );
    }
  });

  it("exports plug-ins as a package from outside does", async () => {
    for (const name of ["alberdice", "graph-learning"]) {
      const module = (await import(`@fedclair/${name}`)) as { readonly default: unknown };
      for (const plugin of [module.default].flat()) assert.equal(checkPlugin(plugin).kind, "task");
    }
  });
});

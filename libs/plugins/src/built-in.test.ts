import assert from "node:assert/strict";
import { checkPlugin } from "@fedclair/core/internal";
import { builtInNames, loadBuiltIn, loadRules } from "./built-in.js";
import { taskNames, taskPackages } from "./task-packages.js";

const { tasks, aggregators } = await loadBuiltIn();

describe("the built-in plug-ins", () => {
  it("have the names under which they are loaded", async () => {
    assert.deepEqual([...tasks.keys()], taskNames);
    const all = await loadBuiltIn();
    const registries = [all.aggregators, all.attacks, all.mods, all.personal];
    for (const registry of registries)
      for (const [name, plugin] of registry ?? []) assert.equal(plugin.name, name);
    assert.deepEqual(new Set(aggregators.keys()), builtInNames.aggregator);
    assert.deepEqual(new Set(all.attacks.keys()), builtInNames.attack);
  });

  it("are loaded if a trial names them; all if it names one that is unknown", async () => {
    const task = { name: "digits" };
    const namesOf = async (content: object, outside?: ReadonlySet<string>) => {
      const loaded = await loadBuiltIn({ task, ...content }, outside);
      return [loaded.aggregators, loaded.attacks, loaded.mods, loaded.personal].map((one) => [
        ...(one?.keys() ?? []),
      ]);
    };
    const trial = {
      aggregator: { name: ["krum", "nnm"] },
      attacks: [[], [{ attack: { name: "alie" } }]],
      mods: [{ name: "encoding" }],
      baselines: [{ aggregator: { name: "fedavg" }, personal: { name: "ditto" } }],
    };
    const named = [["fedavg", "krum", "nnm"], ["alie"], ["encoding"], ["ditto"]];
    assert.deepEqual(await namesOf(trial), named);
    // The error about a misspelt name lists all that there are.
    assert.deepEqual([...(await loadRules("krum")).keys()], ["krum"]);
    for (const name of ["krumm", "toString"]) assert.ok((await loadRules(name)).has("krum"), name);
    const misspelt = { ...trial, baselines: [{ aggregator: { name: "fedavgg" } }] };
    const all = await loadBuiltIn();
    assert.equal((await namesOf(misspelt))[1]?.length, all.attacks.size);
    assert.deepEqual(await namesOf(misspelt, new Set(["fedavgg"])), [
      ["krum", "nnm"],
      ["alie"],
      ["encoding"],
      [],
    ]);
  });

  it("loads what a trial names, or whose aggregator it names; all if it names none", async () => {
    const loadedFor = async (content: unknown) => [...(await loadBuiltIn(content)).tasks.keys()];
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

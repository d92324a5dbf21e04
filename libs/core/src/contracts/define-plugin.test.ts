import assert from "node:assert/strict";
import { z } from "zod";
import { checkPlugin, definePlugin, type DefinedPlugin } from "./define-plugin.js";
import type { Attack } from "./attack.js";
import type { AggregatorPlugin, Plugin, TaskPlugin } from "./plugin.js";
import { UserError } from "../words/errors.js";

const half = definePlugin({
  kind: "aggregator",
  name: "half",
  summary: "Half of the first update.",
  schema: z.strictObject({ by: z.number().default(0.5), note: z.string().optional() }),
  create: ({ by, note }) => {
    const scale: number = by;
    const text: string | undefined = note;
    // @ts-expect-error the schema says that it is a number
    const wrong: string = by;
    assert.ok(text === undefined && typeof wrong === "number");
    return { aggregate: () => Promise.resolve({ change: [], metrics: { scale } }) };
  },
});

describe("definePlugin", () => {
  it("infers the options from the schema and the type of the plug-in from the kind", () => {
    const aggregator: AggregatorPlugin = half;
    const task: TaskPlugin = definePlugin({
      kind: "task",
      name: "still",
      summary: "Learns nothing.",
      schema: z.strictObject({ size: z.int() }),
      contaminations: ({ size }) => new Map([["large", z.strictObject({ at: z.int().max(size) })]]),
      create: ({ size }) => ({
        start: () =>
          Promise.resolve({
            params: new Map([["w", { shape: [size], data: new Float64Array(size) }]]),
          }),
        openShard: () => Promise.reject(new Error("no data")),
      }),
    });
    const attack: Plugin<Attack> = definePlugin({
      kind: "attack",
      name: "nothing",
      summary: "Does nothing.",
      schema: z.strictObject({}),
      create: () => ({ corruptUpdate: (honest) => honest }),
    });
    assert.deepEqual([aggregator.name, task.name, attack.name], ["half", "still", "nothing"]);
  });
});

describe("checkPlugin", () => {
  it("returns the plug-in as its author wrote it", async () => {
    const plugin = checkPlugin(half) as DefinedPlugin<"aggregator">;
    const { metrics } = await plugin.create({ by: 3 } as never).aggregate({} as never);
    assert.deepEqual(metrics, { scale: 3 });
  });

  for (const [what, value, expected] of [
    ["undefined", undefined, /expected a plug-in, as definePlugin\(.*\), got undefined/],
    ["a function", () => half, /expected a plug-in, .* got a function/],
    ["an unknown kind", { ...half, kind: "pool" }, /kind: expected one of task, .*, got 'pool'/],
    ["a name with spaces", { ...half, name: "my half" }, /name: expected .* got 'my half'/],
    [
      "a missing summary",
      { ...half, summary: undefined },
      /summary: expected a sentence .*undefined/,
    ],
    [
      "a missing schema",
      { ...half, schema: undefined },
      /schema: missing; expected z\.strictObject/,
    ],
    [
      "a loose schema",
      { ...half, schema: z.looseObject({}) },
      /schema: expected z\.strictObject, /,
    ],
    ["a plain object's schema", { ...half, schema: z.object({}) }, /expected z\.strictObject, /],
    [
      "a schema of another type",
      { ...half, schema: z.string() },
      /z\.strictObject\(\{ … \}\) of zod 4/,
    ],
    ["a schema of zod 3", { ...half, schema: { _def: {} } }, /got a schema of zod 3/],
    [
      "an option called name",
      { ...half, schema: z.strictObject({ name: z.string() }) },
      /called name/,
    ],
    ["a create that is not a function", { ...half, create: {} }, /create: expected a function/],
  ] as const) {
    it(`rejects ${what}`, () => {
      assert.throws(() => checkPlugin(value), expected);
    });
  }

  it("returns a task whose create is asynchronous", async () => {
    const task = { start: () => undefined, openShard: () => undefined };
    const create = () => Promise.resolve(task);
    const plugin = checkPlugin({ ...half, kind: "task", create });
    assert.equal(await plugin.create({} as never), task);
  });

  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ["null", null, /expected create to return an object with aggregate, got null/],
    ["an object without aggregate", {}, /got one without aggregate/],
    [
      "a promise",
      Promise.resolve({ aggregate: () => 0 }),
      /expected create to return at once, got a promise: it must not be async/,
    ],
  ];
  for (const [what, value, expected] of cases) {
    it(`returns a plug-in that rejects a create which returns ${what}`, () => {
      const plugin = checkPlugin({ ...half, create: () => value });
      assert.throws(() => plugin.create({} as never), expected);
    });
  }

  it("reports an error in create as a UserError that names the plug-in", () => {
    const plugin = checkPlugin({
      ...half,
      create: () => {
        throw new Error("by must be odd");
      },
    });
    assert.throws(
      () => plugin.create({} as never),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.match(
          error.message,
          /^aggregator 'half' cannot be made .*: Error: by must be odd \(\/.*define-plugin\.test\.ts:\d+:\d+\)$/,
        );
        return true;
      },
    );
  });
});

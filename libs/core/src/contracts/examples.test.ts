import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  describeAggregator,
  describePersonal,
  describeTask,
  play,
  toyPlugins,
} from "../../testing/index.js";
import { trialSchema } from "../trial/trial.js";
import { checkPlugin, type DefinedPlugin } from "./define-plugin.js";

const library = fileURLToPath(new URL("../../../", import.meta.url));

/** Loads the examples in the doc comments of the contracts as plug-ins. */
async function loadExamples(): Promise<DefinedPlugin[]> {
  const files = ["plugin.ts", "personal.ts"];
  const texts = files.map((file) => readFile(join(library, "src/contracts", file), "utf8"));
  const source = (await Promise.all(texts)).join("\n");
  const comments = source.match(/\/\*\*[^]*?\*\//g) ?? [];
  const examples = comments.flatMap((comment) => {
    const [, code] = /@example\n([^]*?)\n \*\//.exec(comment) ?? [];
    return code === undefined ? [] : [code.replace(/^ \* ?/gm, "")];
  });
  // The folder is inside the package, so that `@fedclair/core` resolves.
  const folder = await mkdtemp(join(library, "dist/examples-"));
  try {
    return await Promise.all(
      examples.map(async (code, i) => {
        const file = join(folder, `${i}.mjs`);
        await writeFile(file, code);
        const { default: plugin } = (await import(file)) as { default: unknown };
        return checkPlugin(plugin);
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

const [task, aggregator, personal] = await loadExamples();
assert.ok(task?.kind === "task" && aggregator?.kind === "aggregator");
assert.ok(personal?.kind === "personal");

describeTask(task, [{ name: "the example", clients: 4, rounds: 3 }]);
describeAggregator(aggregator);
describePersonal(personal);

describe("the examples of the contracts", () => {
  it("run together and learn", async () => {
    const plugins = {
      tasks: new Map([[task.name, task]]),
      aggregators: new Map([[aggregator.name, aggregator]]),
      attacks: toyPlugins.attacks,
    };
    const trial = trialSchema(plugins).parse({
      name: "example",
      rounds: 1,
      clients: 2,
      task: { name: task.name },
      aggregator: { name: aggregator.name },
    });
    const { state, rounds } = await play(trial, plugins);
    const [first = NaN, second = NaN] =
      rounds[0]?.record.clients.map(({ evaluation }) => evaluation?.["error"] ?? NaN) ?? [];
    assert.notEqual(state.params.get("mean")?.data[0], 0);
    // The mean of two numbers has the same distance to both.
    assert.ok(first > 0 && Math.abs(first - second) < 1e-12);
  });
});

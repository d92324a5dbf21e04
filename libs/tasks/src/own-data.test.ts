import assert from "node:assert/strict";
import { checkValue } from "@fedclair/core/internal";
import { createTask, useDataFolder } from "../testing/own-data.js";
import { taskLoaders } from "./index.js";
import { textCopy } from "./text-copy/index.js";

describe("own data", () => {
  const folder = useDataFolder();

  it("of text-copy are texts by client", async () => {
    const line = (who: number, text: string) => JSON.stringify({ who, text: text.repeat(40) });
    const file = await folder.write(
      "texts.jsonl",
      [line(10, "ab"), line(9, "cd"), line(10, "ef")].join("\n"),
    );
    const task = await createTask(textCopy, { source: { file, columns: { client: "who" } } });
    assert.deepEqual([task.clientLabel?.(0), task.clientLabel?.(1)], ["9", "10"]);
    assert.throws(() => task.checkClients?.(3), /texts\.jsonl serves 2 clients/);
  });

  it("of a task without any are rejected with the reason and where to go", async () => {
    for (const name of ["denoising", "linear-regression", "network", "external"] as const) {
      const { schema } = await taskLoaders[name]();
      const { faults } = checkValue(schema, { source: { file: "data.csv" } });
      assert.match(faults.join("\n"), /^source: .* choose another task \(docs\/own-data\.md\)/m);
      assert.doesNotMatch(faults.join("\n"), /unknown key/);
    }
  });
});

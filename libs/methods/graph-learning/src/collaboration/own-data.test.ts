import assert from "node:assert/strict";
import { checkValue } from "@fedclair/core/internal";
import { collaborationGraphTask } from "./task.js";

describe("own data", () => {
  it("are rejected with the reason and where to go", () => {
    const { faults } = checkValue(collaborationGraphTask.schema, { source: { file: "data.csv" } });
    assert.match(faults.join("\n"), /^source: .* choose another task \(docs\/own-data\.md\)/m);
    assert.doesNotMatch(faults.join("\n"), /unknown key/);
  });
});

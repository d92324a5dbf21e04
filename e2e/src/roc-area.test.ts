import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { workspace } from "./support/paths.js";

interface Client {
  readonly isContaminated: boolean;
  readonly score: number;
}

describe("the area under the ROC curve", () => {
  it("is the share of pairs in which the contaminated client has the higher score", async () => {
    const file = pathToFileURL(join(workspace, "studies/support/roc-area.js")).href;
    const { rocArea } = (await import(file)) as {
      rocArea: (federation: readonly Client[]) => number;
    };
    const [benign, bad] = [false, true].map((isContaminated) => (score: number) => ({
      isContaminated,
      score,
    }));
    assert.ok(benign && bad);
    // 2 is above 1 and 0; 1 equals 1 and is above 0.
    assert.equal(rocArea([bad(2), benign(1), bad(1), benign(0)]), 3.5 / 4);
  });
});

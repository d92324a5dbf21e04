import assert from "node:assert/strict";
import { createFrame } from "./strip-frame.js";

describe("the strip of scores", () => {
  it("has a line for the name of each contaminated client, and the benign ones last", () => {
    const truths = Object.fromEntries([0, 1, 2, 3, 4, 5].map((index) => [index, "sign-flip"]));
    const { rows } = createFrame({ names: {}, truths }, [6, 0, 1, 2, 3, 4, 5, 7], [0.5, 2]);
    assert.deepEqual(
      rows.map(({ truth, clients }) => [truth, clients.length]),
      [
        ["sign-flip", 6],
        ["benign", 2],
      ],
    );
    const [attack, benign] = rows;
    assert.ok(attack && attack.height >= 6 * 13, `${attack?.height}`);
    assert.equal(benign?.top, attack.height);
  });
});

import assert from "node:assert/strict";
import { fedclair } from "./support/command.js";
import { fixture, temporaryFolder } from "./support/paths.js";

describe("the tensors of a client host", () => {
  it("do not increase in number from the first job to the last", async () => {
    const outcome = await fedclair(
      [
        ...["run", fixture("text-copy"), "--hosts", "1", "--out", await temporaryFolder()],
        ...["--set", "rounds=4", "--set", "baselines=[]", "--no-report"],
      ],
      { env: { FEDCLAIR_LOG: "info" } },
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    const count = /(\d+) jobs, (\d+) tensors after the first and (\d+) after the last/;
    const [, jobs, first, last] = count.exec(outcome.stderr) ?? [];
    assert.ok(
      Number(jobs) > 24,
      "4 rounds of 6 clients that train, and of the benign ones measuring",
    );
    assert.ok(Number(first) > 0);
    assert.equal(last, first);
  });
});

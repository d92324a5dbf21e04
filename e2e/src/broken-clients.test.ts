import assert from "node:assert/strict";
import { fedclair } from "./support/command.js";
import { failuresOf, recordsOf } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";

describe("broken clients", () => {
  it("are named with their codes, and the others are aggregated", async () => {
    const out = await temporaryFolder();
    const ended = await fedclair(["run", fixture("broken"), "--hosts", "2", "--out", out]);
    assert.equal(ended.code, 0, ended.stderr);

    const expected = [
      "c00 NON_FINITE",
      "c02 WRONG_SHAPE",
      "c04 CLIENT_TIMEOUT",
      "c06 CLIENT_ERROR",
    ];
    const records = await recordsOf(out);
    assert.equal(records.length, 2);
    for (const record of records) {
      assert.deepEqual(failuresOf(record), expected);
      const measured = record.clients.filter(({ evaluation }) => evaluation);
      assert.deepEqual(
        measured.map(({ clientId }) => clientId),
        ["c01", "c03", "c05", "c07"],
      );
    }
    // Training from params that the others have moved tells that they were aggregated.
    const [first, second] = records.map(({ clients }) => clients[1]?.train?.["loss"]);
    assert.ok(first !== undefined && second !== undefined && first !== second);
    for (const failure of expected) {
      const [client, code] = failure.split(" ");
      assert.match(ended.stdout, new RegExp(`^${client} +broken +${code} `, "m"));
    }
  });
});

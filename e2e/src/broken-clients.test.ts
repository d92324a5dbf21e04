import assert from "node:assert/strict";
import { fedclair } from "./support/command.js";
import { listFailures, readRecords } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";

describe("broken clients", () => {
  it("are recorded with their codes, and the others are aggregated", async () => {
    const out = await temporaryFolder();
    const how = ["--hosts", "2", "--no-report", "--out", out];
    const outcome = await fedclair(["run", fixture("broken"), ...how]);
    assert.equal(outcome.code, 0, outcome.stderr);

    const expected = [
      "c00 NON_FINITE",
      "c02 WRONG_SHAPE",
      "c04 CLIENT_TIMEOUT",
      "c06 CLIENT_ERROR",
    ];
    const records = await readRecords(out);
    assert.equal(records.length, 2);
    for (const record of records) {
      assert.deepEqual(listFailures(record), expected);
      const measured = record.clients.filter(({ evaluation }) => evaluation);
      assert.deepEqual(
        measured.map(({ clientId }) => clientId),
        ["c01", "c03", "c05", "c07"],
      );
    }
    // The later clients train from params that changed, so the others were aggregated.
    const [first, second] = records.map(({ clients }) => clients[1]?.train?.["loss"]);
    assert.ok(first !== undefined && second !== undefined && first !== second);
    for (const failure of expected) {
      const [client, code] = failure.split(" ");
      assert.match(outcome.stdout, new RegExp(`^${client} +broken +${code} `, "m"));
    }
  });
});

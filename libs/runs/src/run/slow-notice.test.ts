import assert from "node:assert/strict";
import { mock } from "node:test";
import { Patience } from "./slow-notice.js";

describe("Patience", () => {
  before(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
  });
  after(() => {
    mock.timers.reset();
  });

  it("reports what is late at growing intervals, and nothing that arrived in time", () => {
    const reports: string[] = [];
    const patience = new Patience((line) => reports.push(line));
    patience.waitFor("the clients");
    mock.timers.tick(29_000);
    patience.waitFor("aggregator clair");
    mock.timers.tick(29_000);
    assert.deepEqual(reports, []);
    for (const ms of [1000, 59_000, 1000, 120_000]) mock.timers.tick(ms);
    assert.deepEqual(
      reports,
      [30, 60, 120].map((s) => `aggregator clair: nothing for ${s} s, still waiting`),
    );
    patience.stop();
    mock.timers.tick(1_000_000);
    assert.equal(reports.length, 3);
  });
});

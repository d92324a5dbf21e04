import assert from "node:assert/strict";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";

describe("colluders on a line", () => {
  it("are found although a space of three dimensions fits them best", async () => {
    const file = join(workspace, "trials/linear-regression/line.yaml");
    const { code, stdout } = await fedclair(["verify", file, "--set", "expect.seeds=[2, 9]"]);
    assert.equal(code, 0, stdout);
  });
});

describe("poison spread over all clients", () => {
  const file = join(workspace, "trials/linear-regression/thin-poison.yaml");

  it("flags nobody by either rule, and moves what the clients share", async () => {
    for (const rule of ["gap", "evidence"]) {
      const set = ["--set", "expect.seeds=[2]", "--set", `aggregator.rule=${rule}`];
      const { code, stdout } = await fedclair(["verify", file, ...set]);
      assert.equal(code, 0, stdout);
    }
  });

  it("is found if one client sends all of it", async () => {
    const one = "attacks=[{ attack: { name: backdoor, scale: 3.8 }, count: 1 }]";
    const how = [
      "--transport",
      "memory",
      "--no-report",
      "--out",
      await temporaryFolder(),
      "--json",
    ];
    const { code, stdout, stderr } = await fedclair(["run", file, "--set", one, ...how]);
    assert.equal(code, 0, stderr);
    const { measures } = JSON.parse(stdout) as { measures: Record<string, number> };
    assert.equal(measures["detection.recall"], 1);
    assert.equal(measures["detection.falseAlarms"], 0);
  });
});

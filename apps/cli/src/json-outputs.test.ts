import assert from "node:assert/strict";
import { program } from "./program.js";
import { jsonOutputs } from "../testing/json/outputs.js";

describe("the schemas of --json", () => {
  it("cover every command that has the option", () => {
    const commands = program.commands.filter(({ options }) =>
      options.some(({ long }) => long === "--json"),
    );
    // The coordinator's options are its own program's.
    const names = [...commands.map((command) => command.name()), "coordinator"];
    assert.deepEqual(Object.keys(jsonOutputs).sort(), names.sort());
  });
});

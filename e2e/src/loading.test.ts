import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { workspace } from "./support/paths.js";

const atOnce = /(?:^|[;}\s])(?:import|export)\s(?:[^"';]*?\sfrom\s)?\s*"([^"]+)"/g;
const whenNeeded = /\bimport\(\s*"([^"]+)"\s*\)/g;

/** The packages that a program imports, followed through those of this repository. @param file its built main */
function packagesOf(file: string, patterns: readonly RegExp[]): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const walk = (from: string): void => {
    if (seen.has(from)) return;
    seen.add(from);
    const text = readFileSync(from, "utf8");
    for (const pattern of patterns) {
      for (const [, specifier = ""] of text.matchAll(pattern)) {
        if (specifier.startsWith("node:")) continue;
        const own = specifier.startsWith("@fedclair/");
        if (!specifier.startsWith(".")) packages.add(specifier);
        if (own || specifier.startsWith(".")) walk(createRequire(from).resolve(specifier));
      }
    }
  };
  walk(file);
  return packages;
}

const main = (app: string) => join(workspace, "apps", app, "dist", "src", "main.js");
const observing = ["prom-client", "hyparquet-writer"];
const drawing = ["vega", "vega-lite", "@resvg/resvg-js"];

describe("what programs load", () => {
  it("is nothing that draws, in a client host", () => {
    const packages = packagesOf(main("client"), [atOnce, whenNeeded]);
    for (const known of ["commander", "socket.io-client", "@fedclair/runs/host"]) {
      assert.ok(packages.has(known), `${known} is not found: does the walk work?`);
    }
    for (const name of ["@fedclair/report", ...drawing, ...observing])
      assert.ok(!packages.has(name), name);
  });

  it("is no aggregator but the one that stands for the trial's, in a client host without plug-ins", () => {
    const host = join(workspace, "apps", "client", "dist", "src", "host.js");
    const packages = packagesOf(host, [atOnce]);
    assert.ok(packages.has("@fedclair/aggregators/fedavg"));
    for (const name of ["@fedclair/aggregators", "@fedclair/runs", "cli-progress"])
      assert.ok(!packages.has(name), name);
  });

  it("is nothing that draws before there is something to draw, in the others", () => {
    const report = join(workspace, "libs", "report", "dist", "src", "index.js");
    for (const file of [report, main("coordinator"), main("cli")]) {
      const early = packagesOf(file, [atOnce]);
      const all = packagesOf(file, [atOnce, whenNeeded]);
      for (const name of drawing) {
        assert.ok(!early.has(name), `${file} loads ${name} at once`);
        assert.ok(all.has(name), `${name} is not found: does the walk work?`);
      }
    }
    assert.ok(packagesOf(report, [atOnce]).has("@fedclair/runs"));
  });

  it("is nothing that shows a trial to other programs before somebody asks for it", () => {
    for (const [app, names] of [
      ["coordinator", ["prom-client"]],
      ["cli", ["hyparquet-writer", "protobufjs/minimal.js"]],
    ] as const) {
      const early = packagesOf(main(app), [atOnce]);
      const all = packagesOf(main(app), [atOnce, whenNeeded]);
      for (const name of names) {
        assert.ok(!early.has(name), `${app} loads ${name} at once`);
        assert.ok(all.has(name), `${name} is not found: does the walk work?`);
      }
    }
  });
});

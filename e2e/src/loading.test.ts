import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { workspace } from "./support/paths.js";

const atOnce = /(?:^|[;}\s])(?:import|export)\s(?:[^"';]*?\sfrom\s)?\s*"([^"]+)"/g;
const whenNeeded = /\bimport(?:\.meta\.resolve)?\(\s*"([^"]+)"\s*\)/g;

/**
 * Lists the packages that a program imports, directly or through packages of this repository.
 * @param file its compiled main
 */
function listPackages(file: string, patterns: readonly RegExp[]): Set<string> {
  const packages = new Set<string>();
  const visited = new Set<string>();
  const walk = (from: string): void => {
    if (visited.has(from)) return;
    visited.add(from);
    const text = readFileSync(from, "utf8");
    for (const pattern of patterns) {
      for (const [, specifier = ""] of text.matchAll(pattern)) {
        if (specifier.startsWith("node:")) continue;
        const own = specifier.startsWith("@fedclair/");
        const isInside = specifier.startsWith(".") || specifier.startsWith("#vega");
        if (!isInside) packages.add(specifier);
        if (own || isInside) walk(createRequire(from).resolve(specifier));
      }
    }
  };
  walk(file);
  return packages;
}

const main = (app: string) => join(workspace, "apps", app, "dist", "src", "main.js");
const observing = ["prom-client", "hyparquet-writer"];
const drawing = ["vega", "vega-lite", "@resvg/resvg-js"];

describe("the packages that programs load", () => {
  it("do not include vega in a client host", () => {
    const packages = listPackages(main("client"), [atOnce, whenNeeded]);
    for (const known of ["commander", "socket.io-client", "@fedclair/runs/host"]) {
      assert.ok(packages.has(known), `${known} is not found: does the walk work?`);
    }
    for (const name of ["@fedclair/view", ...drawing, ...observing])
      assert.ok(!packages.has(name), name);
  });

  it("include aggregators and attacks only when a trial names them", () => {
    const host = join(workspace, "apps", "client", "dist", "src", "host.js");
    const coordinator = join(workspace, "apps", "coordinator", "dist", "src", "coordinate.js");
    for (const program of [host, coordinator]) {
      const packages = listPackages(program, [atOnce]);
      assert.ok(packages.has("@fedclair/rules/aggregator-loaders"));
      for (const name of ["@fedclair/clair", "@fedclair/rules", "@fedclair/rules/attacks"])
        assert.ok(!packages.has(name), `${program}: ${name}`);
    }
    for (const name of ["@fedclair/runs", "cli-progress"])
      assert.ok(!listPackages(host, [atOnce]).has(name), name);
  });

  it("include vega in other programs only once they draw", () => {
    const view = join(workspace, "libs", "view", "dist", "src", "index.js");
    for (const file of [view, main("coordinator"), main("cli")]) {
      const early = listPackages(file, [atOnce]);
      const all = listPackages(file, [atOnce, whenNeeded]);
      for (const name of drawing) {
        assert.ok(!early.has(name), `${file} loads ${name} at once`);
        assert.ok(all.has(name), `${name} is not found: does the walk work?`);
      }
    }
    assert.ok(listPackages(view, [atOnce]).has("@fedclair/runs"));
  });

  it("include metrics and exports only when they are requested", () => {
    for (const [app, names] of [
      ["coordinator", ["prom-client"]],
      ["cli", ["hyparquet-writer", "protobufjs/minimal.js"]],
    ] as const) {
      const early = listPackages(main(app), [atOnce]);
      const all = listPackages(main(app), [atOnce, whenNeeded]);
      for (const name of names) {
        assert.ok(!early.has(name), `${app} loads ${name} at once`);
        assert.ok(all.has(name), `${name} is not found: does the walk work?`);
      }
    }
  });
});

import assert from "node:assert/strict";
import { browserCommand } from "./open-browser.js";
import { chooseSpacing } from "../data/round-columns.js";

describe("chooseSpacing", () => {
  it("keeps the map within its rows and cells by powers of two", () => {
    const baselines: never[] = [];
    assert.deepEqual(chooseSpacing({ clients: 1000, rounds: 1000, baselines }), {
      clients: 1,
      rounds: 1,
    });
    assert.deepEqual(chooseSpacing({ clients: 100_000, rounds: 100, baselines }), {
      clients: 32,
      rounds: 1,
    });
    assert.deepEqual(chooseSpacing({ clients: 4096, rounds: 10_000, baselines }), {
      clients: 1,
      rounds: 8,
    });
  });
});

describe("browserCommand", () => {
  it("opens nothing on a machine without a screen", () => {
    assert.equal(browserCommand("linux", {}), undefined);
    assert.deepEqual(browserCommand("linux", { WAYLAND_DISPLAY: "wayland-0" }), ["xdg-open"]);
    assert.deepEqual(browserCommand("darwin", {}), ["open"]);
  });
});

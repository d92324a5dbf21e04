import assert from "node:assert/strict";
import type { HostStatus } from "@fedclair/core/internal";
import type { Entry } from "../../src/data/protocol.js";
import { hostOf } from "./host-of.js";
import { formatAgo, formatBytes, formatRatio, formatSeconds, formatValue } from "../parts/index.js";
import {
  cellAt,
  mapSize,
  roundStep,
  scrollTo,
  visibleCells,
  type MapLayout,
} from "./map-layout.js";
import { sortEntries } from "../data/sort-entries.js";
import {
  compareAddress,
  formatRoute,
  parseRoute,
  reportAddress,
  type Route,
} from "../../src/data/routes.js";

describe("format", () => {
  it("gives numbers three digits, and durations two units", () => {
    assert.deepEqual([0.85149, 0.93, 0, 1234.5, 4e-7, null, NaN].map(formatValue), [
      "0.851",
      "0.930",
      "0",
      "1,230",
      "4.00e-7",
      "–",
      "–",
    ]);
    assert.deepEqual([0.04, 3.25, 42, 59.7, 95, 299.6, 900, 7260].map(formatSeconds), [
      "40 ms",
      "3.3 s",
      "42 s",
      "1 min 0 s",
      "1 min 35 s",
      "5 min 0 s",
      "15 min",
      "2 h 1 min",
    ]);
    assert.deepEqual([999, 1500, 2e9].map(formatBytes), ["999 B", "1.5 kB", "2 GB"]);
    assert.deepEqual([3.217, NaN].map(formatRatio), ["3.22 ×", "–"]);
    assert.equal(
      formatAgo("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:05.4Z")),
      "5 s ago",
    );
  });
});

describe("routes", () => {
  it("come back from their address, whatever is in a name", () => {
    const routes: Route[] = [
      { view: "list", path: "" },
      { view: "list", path: "a sweep" },
      { view: "run", path: "" },
      { view: "run", path: "sweep/50 % & <b>?#x" },
      { view: "run", path: "client/c14" },
      { view: "run", path: "", client: "c14" },
      { view: "run", path: "x/client", client: "c07", query: { round: "26", search: "a & b?#" } },
      { view: "list", path: "", query: { search: "krum", sort: "seed" } },
    ];
    assert.deepEqual(
      routes.map((route) => parseRoute(formatRoute(route))),
      routes,
    );
    for (const unknown of ["#/nonsense/%", "#/run/%E0%A4%", "#/run/a/client/%"]) {
      assert.deepEqual(parseRoute(unknown), { view: "list", path: "" });
    }
    assert.equal(compareAddress(["a&run=b", "c d"]), "compare?run=a%26run%3Db&run=c+d");
    assert.equal(reportAddress("a/b c"), "report/a/b%20c/report.html");
  });
});

describe("the list of runs", () => {
  it("is sorted by a column in both directions, and rows without a value come last", () => {
    const entry = (path: string, seed?: number): Entry => {
      const state = { kind: "run", name: path, status: "done", done: 1, of: 1 } as const;
      return { path, ...state, ...(seed !== undefined && { seed }) };
    };
    const entries = [entry("b", 10), entry("c"), entry("a", 9)];
    const order = (sort: string) => sortEntries(entries, sort).map(({ path }) => path);
    assert.deepEqual(["seed", "-seed", "run", ""].map(order), [
      ["a", "b", "c"],
      ["b", "a", "c"],
      ["a", "b", "c"],
      ["b", "c", "a"],
    ]);
  });
});

describe("the layout of the map", () => {
  const layout: MapLayout = { cell: 10, labelWidth: 100, headHeight: 20, rows: 1000, columns: 500 };
  const view = { left: 55, top: 205, width: 300, height: 120 };

  it("finds the visible cells and the cell under a point", () => {
    assert.deepEqual(mapSize(layout), { width: 5100, height: 10_020 });
    assert.deepEqual(visibleCells(layout, view), {
      firstRow: 20,
      endRow: 31,
      firstColumn: 5,
      endColumn: 26,
    });
    assert.deepEqual(cellAt(layout, view, 100, 20), { row: 20, column: 5 });
    assert.deepEqual(cellAt(layout, view, 50, 30), { row: 21, column: undefined });
    assert.equal(cellAt(layout, view, 150, 10), undefined);
    assert.equal(cellAt(layout, { left: 5000, top: 0 }, 250, 30), undefined);
  });

  it("scrolls no further than to show a cell", () => {
    assert.deepEqual(scrollTo(layout, view, 22, 10), { left: 55, top: 205 });
    assert.deepEqual(scrollTo(layout, view, 0, 0), { left: 0, top: 0 });
    assert.deepEqual(scrollTo(layout, view, 999, 499), { left: 4800, top: 9900 });
  });

  it("numbers as many rounds as there is room for", () => {
    assert.deepEqual([40, 18, 10, 4].map(roundStep), [1, 2, 5, 10]);
  });
});

describe("hostOf", () => {
  it("finds the host whose ranges contain a client, unless it was lost", () => {
    const host = (name: string, clients: string, isLost = false) => {
      const lost = { at: "", reason: "" };
      return { name, clients, ...(isLost && { lost }) } as HostStatus;
    };
    const hosts = [host("a", "c00-c09, c12"), host("old", "c10-c11", true), host("b", "c10-c11")];
    assert.equal(hostOf(hosts, "c05")?.name, "a");
    assert.equal(hostOf(hosts, "c12")?.name, "a");
    assert.equal(hostOf(hosts, "c10")?.name, "b");
    assert.equal(hostOf(hosts, "c13"), undefined);
  });
});

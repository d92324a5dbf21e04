import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { compareStudies, type ComparedStudy, type Terminal } from "@fedclair/runs";
import { formatComparison } from "./compare.js";

describe("formatComparison", () => {
  const study = (name: string, error: number | undefined, trial: object): ComparedStudy => {
    const details = [
      { name: "error", scope: "clients", metric: "error", better: "lower" } as const,
    ];
    const summary = {
      name,
      seed: 1,
      arms: ["clair"],
      stopped: {},
      measures: {},
      details: error === undefined ? [] : details.map((one) => ({ ...one, value: error })),
    };
    const arms = [{ label: "clair", benignOnly: false }];
    return { name, trial, arms, measures: {}, runs: [{ seed: 1, summary }] };
  };
  const format = (studies: readonly ComparedStudy[], terminal?: Terminal) =>
    stripVTControlCharacters(
      formatComparison(
        compareStudies(studies),
        studies.map(({ name }) => name),
        terminal,
      ),
    );

  it("shortens claims, and prints all of every other value", () => {
    const folder = `/data/${"x".repeat(80)}`;
    const claim = `CLAIR ${"finds everybody ".repeat(20)}`;
    const text = format([
      study("a", 1, { claim, task: { folder: "data" } }),
      study("b", undefined, { task: { folder } }),
    ]);
    const [head = "", first = "", other = ""] = text.split("\n");
    assert.match(head, /^trial +a +b$/);
    assert.match(first, /^claim +"CLAIR finds everybody f.{0,16}…  –$/);
    assert.ok(other.endsWith(`${folder}"`));
    assert.match(text, /^error +1 +–$/m);
  });

  it("fits the columns of a terminal", () => {
    const terminal = { width: 30, wrap: (text: string) => text.replace(": ", ":\n") };
    const text = format([study("a-run-of-today", 1, {}), study("a-run-of-yesterday", 2, {})]);
    assert.match(text, /^the trials are identical\n\nmeasure /);
    const narrow = format(
      [study("a-run-of-today", 1, {}), study("a-run-of-yesterday", 2, {})],
      terminal,
    );
    const table = narrow.split("\n\n")[1] ?? "";
    assert.ok(Math.max(...table.split("\n").map((line) => line.length)) <= 30, narrow);
  });
});

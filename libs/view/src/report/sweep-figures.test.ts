import assert from "node:assert/strict";
import type { ArmRecord, Table } from "@fedclair/runs";
import { courseFigure, type Course } from "../figures/course-figure.js";
import { drawSvg } from "../figures/draw.js";
import { rocFigure, tableLines } from "../figures/line-figure.js";
import { methodFigure } from "../figures/method-figure.js";

interface Spec {
  readonly vconcat?: readonly Panel[];
  readonly concat?: readonly Panel[];
}
interface Panel {
  readonly layer: readonly { readonly data: { readonly values: readonly Value[] } }[];
}
type Value = Readonly<Record<string, unknown>>;

const valuesOf = (panel: Panel | undefined) => (panel?.layer ?? []).map(({ data }) => data.values);

describe("methodFigure", () => {
  const cell = {
    mean: 2,
    min: 1,
    max: 3,
    seeds: 2,
    values: [1, 3],
    interval: { low: -10.7, high: 14.7 },
  };
  const table: Table = {
    measure: "accuracy",
    worse: "low",
    facet: "",
    rows: ["clair", "krum"],
    columns: [""],
    cells: [[cell], [undefined]],
    worst: [],
  };

  it("has a dot with its interval for each method, and a tick for each seed", async () => {
    const spec = methodFigure([table], 860);
    const [ticks, intervals, dots, texts] = valuesOf((spec as unknown as Spec).vconcat?.[0]);
    assert.deepEqual(
      ticks?.map(({ row, value }) => [row, value]),
      [
        ["clair", 1],
        ["clair", 3],
      ],
    );
    assert.deepEqual(
      intervals?.map(({ low, high }) => [low, high]),
      [[-10.7, 14.7]],
    );
    assert.deepEqual(
      dots?.map(({ value }) => value),
      [2],
    );
    assert.match(await drawSvg(spec), /2 ± 12\.700 \(2\)/);
    assert.equal(texts?.length, 1);
  });

  it("is no wider if the interval of a share leaves 0 to 1", async () => {
    const measure = "detection.recallMean";
    const values = { ...cell, mean: 0.5, min: 0, max: 1, values: [0, 1] };
    const svg = await drawSvg(methodFigure([{ ...table, measure, cells: [[values]] }], 860));
    assert.ok(Number(/<svg[^>]* width="([\d.]+)"/.exec(svg)?.[1]) <= 860, svg.slice(0, 200));
  });

  it("has no entry in its legend for a column without values", async () => {
    const columns = ["clair", "fedavg", "krum"];
    const spec = methodFigure(
      [{ ...table, rows: ["none"], columns, cells: [[cell, undefined, cell]] }],
      860,
    );
    const svg = await drawSvg(spec);
    assert.match(svg, />clair</);
    assert.match(svg, />krum</);
    assert.doesNotMatch(svg, />fedavg</);
  });

  it("draws counted clients as shares with Wilson's interval", () => {
    const counts = { hits: 3, of: 4, low: 0.3, high: 0.95 };
    const spec = methodFigure([{ ...table, cells: [[{ ...cell, counts }], [undefined]] }], 860);
    const [ticks, [interval] = []] = valuesOf((spec as unknown as Spec).vconcat?.[0]);
    assert.deepEqual(ticks, []);
    assert.deepEqual(
      [interval?.["value"], interval?.["low"], interval?.["high"]],
      [0.75, 0.3, 0.95],
    );
  });
});

describe("lines over a numeric axis", () => {
  const cell = (hits: number, of: number) => ({
    mean: hits / of,
    min: 0,
    max: 1,
    seeds: 1,
    values: [hits / of],
    counts: { hits, of, low: 0, high: 1 },
  });
  const table = (measure: string, ...hits: readonly number[]): Table => ({
    measure,
    worse: "low",
    facet: "",
    rows: ["flip"],
    columns: ["0.2", "0.05", "0.1"],
    cells: [hits.map((some) => cell(some, 10))],
    worst: [],
  });

  it("has the points in the order of the numbers", () => {
    const lines = tableLines(table("detection.recall", 9, 5, 7));
    assert.deepEqual(
      lines?.series.map(({ label, points }) => [
        label,
        ...points.map(({ x, cell: { mean } }) => [x, mean]),
      ]),
      [["flip", [0.05, 0.5], [0.1, 0.7], [0.2, 0.9]]],
    );
    assert.equal(tableLines({ ...table("recall", 1, 2, 3), columns: ["1", "2", "b"] }), undefined);
  });

  it("has a ROC: flagged contaminated clients over flagged benign ones", () => {
    const [recall, alarms] = [
      table("detection.recall", 9, 5, 7),
      table("detection.falseAlarms", 4, 0, 1),
    ].map(tableLines);
    assert.ok(recall && alarms);
    const spec = rocFigure(recall, alarms, "aggregator.falseAlarmRate", 860);
    const { data } = spec as unknown as { data: { values: Value[] } };
    assert.deepEqual(
      data.values.map(({ threshold, found, wrong }) => [threshold, found, wrong]),
      [
        [0.05, 0.5, 0],
        [0.1, 0.7, 0.1],
        [0.2, 0.9, 0.4],
      ],
    );
  });
});

describe("courseFigure", () => {
  const record = (round: number, ...accuracies: number[]): ArmRecord => ({
    arm: "clair",
    round,
    phase: "train",
    bytes: { down: 0, up: 0 },
    metrics: {},
    clients: accuracies.map((accuracy, i) => ({
      clientId: `c${i}`,
      attack: null,
      failure: null,
      evaluation: { accuracy },
    })),
  });
  const course = (seed: number, ...rounds: number[][]): Course => ({
    seed,
    methods: new Map([["clair", rounds.map((values, i) => record(i + 1, ...values))]]),
  });
  const metrics = [{ metric: "accuracy", better: "higher" as const }];

  it("has a line for each seed, and their mean with its interval in each round", () => {
    const spec = courseFigure([course(1, [0, 1], [1]), course(2, [0.5], [1])], metrics, 860);
    const [bands, seeds] = valuesOf((spec as unknown as Spec).concat?.[0]);
    assert.deepEqual(
      seeds?.map(({ seed, round, value }) => [seed, round, value]),
      [
        [1, 1, 0.5],
        [1, 2, 1],
        [2, 1, 0.5],
        [2, 2, 1],
      ],
    );
    assert.deepEqual(
      bands?.map(({ round, low, value, high }) => [round, low, value, high]),
      [
        [1, 0.5, 0.5, 0.5],
        [2, 1, 1, 1],
      ],
    );
  });

  it("needs several seeds and several rounds", () => {
    assert.equal(courseFigure([course(1, [0], [1])], metrics, 860), undefined);
    assert.equal(courseFigure([course(1, [0]), course(2, [1])], metrics, 860), undefined);
    assert.equal(courseFigure([], metrics, 860), undefined);
  });
});

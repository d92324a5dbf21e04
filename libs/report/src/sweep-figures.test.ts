import assert from "node:assert/strict";
import type { ArmRecord, Table } from "@fedclair/runs";
import { courseFigure, type Course } from "./course-figure.js";
import { drawSvg } from "./draw.js";
import { methodFigure } from "./method-figure.js";

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
    const spec = methodFigure([table]);
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

  it("draws counted clients as shares with Wilson's interval", () => {
    const counts = { hits: 3, of: 4, low: 0.3, high: 0.95 };
    const spec = methodFigure([{ ...table, cells: [[{ ...cell, counts }], [undefined]] }]);
    const [ticks, [interval] = []] = valuesOf((spec as unknown as Spec).vconcat?.[0]);
    assert.deepEqual(ticks, []);
    assert.deepEqual(
      [interval?.["value"], interval?.["low"], interval?.["high"]],
      [0.75, 0.3, 0.95],
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
    const spec = courseFigure([course(1, [0, 1], [1]), course(2, [0.5], [1])], metrics);
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
    assert.equal(courseFigure([course(1, [0], [1])], metrics), undefined);
    assert.equal(courseFigure([course(1, [0]), course(2, [1])], metrics), undefined);
    assert.equal(courseFigure([], metrics), undefined);
  });
});

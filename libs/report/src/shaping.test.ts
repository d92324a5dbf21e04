import assert from "node:assert/strict";
import type { Trial } from "@fedclair/core";
import { toyTrial } from "@fedclair/core/testing";
import fc from "fast-check";
import { axisTicks, betterEnd, errorAxis } from "./axis.js";
import { html } from "./html.js";
import { measureRows } from "./measures.js";
import { scoreAxis, thinned, unscored, type ScorePoint } from "./score-points.js";
import { textWidth } from "./text-width.js";

const trial: Trial = {
  ...toyTrial(),
  aggregator: { name: "clair" },
  baselines: [{ label: "mean", aggregator: { name: "fedavg" }, clients: "all" }],
};

describe("measureRows", () => {
  it("groups measures and holds them against what is expected", () => {
    const measures = { "detection.recall": 1, "loss.a.b": 2, "bytes.up": 9, "loss.gainOver.b": 1 };
    const expect = { measures: { "detection.recall": { min: 0.9 }, "loss.c": { max: 1 } } };
    const rows = measureRows(
      { ...trial, expect },
      { name: "t", seed: 1, arms: ["a.b", "b", "c"], stopped: {}, measures },
    );
    assert.deepEqual(
      rows.map(({ group, name, asExpected }) => [group, name, asExpected]),
      [
        ["Detection", "detection.recall", true],
        ["Evaluation: loss", "loss.a.b", undefined],
        ["Evaluation: loss", "loss.gainOver.b", undefined],
        ["Evaluation: loss", "loss.c", false],
        ["Traffic", "bytes.up", undefined],
      ],
    );
  });
});

describe("meanings of measures", () => {
  const meaningOf = (name: string) => {
    const measures = { [name]: 1 };
    const summary = { name: "t", seed: 1, arms: ["clair", "mean"], stopped: {}, measures };
    const [row] = measureRows({ ...trial, task: { name: "toy" } }, summary);
    return `${row?.group ?? ""} | ${row?.meaning ?? ""}`;
  };

  it("does not call mean over rounds what all rounds give together", () => {
    for (const name of ["recallMean", "precisionMean", "f1", "recall.sign-flip"]) {
      assert.match(meaningOf(`detection.${name}`), /^Detection \| .*all rounds together$/);
    }
    assert.match(meaningOf("detection.falseAlarmsMean"), /mean over rounds$/);
  });

  it("tells what the coordinator measured from what clients did", () => {
    assert.equal(
      meaningOf("global.gap.ratioTo.mean"),
      "Coordinator: gap | clair divided by mean; measured at the coordinator, by the task toy or the aggregator, last round",
    );
    assert.equal(
      meaningOf("loss.clair"),
      "Evaluation: loss | clair; mean over the benign clients on their own data, last round",
    );
  });
});

describe("figures' data", () => {
  const point = (score: number | null, threshold: number | null = null): ScorePoint => {
    return {
      round: 1,
      client: "c0",
      truth: "benign",
      score,
      threshold,
      flagged: false,
      mistake: "",
      note: "",
    };
  };

  it("keeps zeros and thresholds within a logarithmic axis", () => {
    assert.deepEqual(scoreAxis([point(0), point(2, 10)]), { type: "log", domain: [0.2, 12] });
    assert.equal(scoreAxis([point(-1)]).type, "linear");
    assert.deepEqual(scoreAxis([point(0)]), { type: "linear", domain: [0, 1] });
  });

  it("marks few round numbers on an axis", () => {
    const values = (low: number, high: number) => axisTicks({ type: "log", domain: [low, high] });
    assert.deepEqual(values(0.7, 4), { values: [0.7, 1, 1.5, 2, 3], format: "~g" });
    assert.deepEqual(values(0.0005, 12), { values: [0.001, 0.01, 0.1, 1, 10], format: "~g" });
  });

  it("draws errors over more than a decade on a logarithmic axis, and nothing else", () => {
    assert.deepEqual(errorAxis("error", [0.12, 10]), { type: "log", domain: [0.1, 12] });
    assert.equal(errorAxis("error", [0.12, 1.2]), undefined);
    assert.equal(errorAxis("error", [0, 5]), undefined);
    assert.equal(errorAxis("error", []), undefined);
    assert.equal(errorAxis("accuracy", [0.05, 0.9]), undefined);
  });

  it("tells the better end of a metric where its name does", () => {
    assert.deepEqual(
      ["averageError", "slicedW2", "uniformAccuracy", "modesCovered"].map(betterEnd),
      ["low", "low", "high", undefined],
    );
  });

  it("thins a crowd to its extremes and what lies evenly between", () => {
    const crowd = Array.from({ length: 101 }, (_, i) => point((i * 37) % 101));
    assert.deepEqual(
      thinned([...crowd, point(null)], 5).map(({ score }) => score),
      [0, 25, 50, 75, 100],
    );
    assert.equal(thinned(crowd, 101).length, 101);
  });

  it("counts those without a score by round, truth and what stands in its place", () => {
    const off = (note: string, truth = "broken", round = 1): ScorePoint => {
      return { ...point(null), note, truth, round };
    };
    const crowd = [off("LATE"), point(1), off("inactive"), off("LATE"), off("LATE", "broken", 2)];
    assert.deepEqual(
      unscored([...crowd, off("inactive", "benign")]).map(({ round, truth, note }) => [
        ...[round, truth, note],
      ]),
      [
        [1, "broken", "2 LATE, 1 inactive"],
        [2, "broken", "1 LATE"],
        [1, "benign", "1 inactive"],
      ],
    );
  });

  it("measures text as Helvetica has it", () => {
    assert.ok(Math.abs(textWidth("AB i", 10) - 18.34) < 1e-9);
  });
});

describe("html", () => {
  it("never lets text become markup", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const page = html`<p title="${text}">${text}</p>`.text;
        assert.doesNotMatch(page.slice(10, -4).replace(`">`, ""), /[<>"']/);
      }),
    );
  });

  it("takes markup as it is", () => {
    assert.equal(
      html`<ul>
        ${[html`<li>${1}</li>`]}
      </ul>`.text.replace(/\s/g, ""),
      "<ul><li>1</li></ul>",
    );
  });
});

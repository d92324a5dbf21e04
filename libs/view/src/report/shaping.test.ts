import assert from "node:assert/strict";
import type { MetricInfo } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import type { ArmRecord, Measure, Summary } from "@fedclair/runs";
import fc from "fast-check";
import { axisTicks, errorAxis, roundAxis } from "../figures/axis.js";
import { html, preformatted } from "./html.js";
import { measureRows } from "./measures.js";
import { commonRounds, formatDrawnRounds, formatSampledClients } from "../figures/rounds.js";
import {
  scoreAxis,
  thinPoints,
  summariseUnscored,
  type ScorePoint,
} from "../figures/score-points.js";
import { textWidth } from "../figures/text-width.js";

const trial: Trial = {
  ...toyTrial(),
  aggregator: { name: "clair" },
  baselines: [{ label: "mean", aggregator: { name: "fedavg" }, clients: "all" }],
};

const infos: Readonly<Record<string, MetricInfo>> = {
  loss: { better: "lower", unit: "nats", description: "mean loss of a token" },
};

const summaryOf = (...details: readonly Measure[]): Summary => ({
  name: "t",
  seed: 1,
  arms: ["clair", "mean"],
  stopped: {},
  details,
  measures: Object.fromEntries(details.map(({ name, value }) => [name, value])),
});

describe("measureRows", () => {
  it("groups measures and compares them with the expectations", () => {
    const expect = { measures: { "detection.recall": { min: 0.9 }, "loss.c": { max: 1 } } };
    const rows = measureRows(
      { ...trial, expect },
      summaryOf(
        { name: "loss.a.b", scope: "clients", metric: "loss", arm: "a.b", value: 2, n: 7 },
        { name: "detection.recall", scope: "detection", metric: "recall", value: 1 },
        { name: "loss.b", scope: "clients", metric: "loss", arm: "b", value: 3 },
        { name: "bytes.up", scope: "bytes", metric: "up", value: 9 },
      ),
      infos,
    );
    assert.deepEqual(
      rows.map(({ name, n, asExpected }) => [name, n, asExpected]),
      [
        ["loss.a.b", 7, undefined],
        ["loss.b", undefined, undefined],
        ["detection.recall", undefined, true],
        ["bytes.up", undefined, undefined],
        ["loss.c", undefined, false],
      ],
    );
  });
});

describe("meanings of measures", () => {
  const formatMeaning = (measure: Omit<Measure, "name" | "value">) => {
    const summary = summaryOf({ ...measure, name: "any", value: 1 });
    const [row] = measureRows({ ...trial, task: { name: "toy" } }, summary, infos);
    return row?.meaning ?? "";
  };

  it("does not call a value of all rounds together a mean over rounds", () => {
    const detection = { scope: "detection" } as const;
    for (const metric of ["recallMean", "precisionMean", "f1"]) {
      assert.match(formatMeaning({ ...detection, metric }), /all rounds together$/);
    }
    assert.equal(
      formatMeaning({ ...detection, metric: "recall", attack: "sign-flip" }),
      "share of the clients under sign-flip that were flagged, all rounds together",
    );
    assert.match(formatMeaning({ ...detection, metric: "falseAlarmsMean" }), /mean over rounds$/);
  });

  it("distinguishes the coordinator's measurements from the clients'", () => {
    const comparison = { kind: "ratioTo", arm: "mean" } as const;
    assert.equal(
      formatMeaning({ scope: "global", metric: "gap", arm: "clair", comparison }),
      "clair divided by mean; measured at the coordinator, by the task toy or the aggregator, last round",
    );
    assert.equal(
      formatMeaning({ scope: "clients", metric: "loss", arm: "clair", better: "lower" }),
      "clair; mean over the benign clients on their own data, last round; mean loss of a token; lower is better",
    );
    assert.equal(
      formatMeaning({ scope: "lost", metric: "lost", better: "lower" }),
      "clair: client rounds without an answer; lower is better",
    );
  });
});

describe("figures' data", () => {
  const point = (score: number | null, threshold: number | null = null): ScorePoint => {
    return {
      round: 1,
      panel: "",
      client: "c0",
      truth: "benign",
      score,
      threshold,
      flagged: false,
      mistake: "",
      note: "",
      about: "",
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

  it("uses a logarithmic axis only if lower is better and the values span more than a decade", () => {
    assert.deepEqual(errorAxis("lower", [0.12, 10]), { type: "log", domain: [0.1, 12] });
    assert.equal(errorAxis("lower", [0.12, 1.2]), undefined);
    assert.equal(errorAxis("lower", [0, 5]), undefined);
    assert.equal(errorAxis("lower", []), undefined);
    assert.equal(errorAxis("higher", [0.05, 0.9]), undefined);
    assert.equal(errorAxis(undefined, [0.05, 0.9]), undefined);
  });

  it("marks only whole rounds", () => {
    const ticks = (count: number) => {
      const { axis } = roundAxis(Array.from({ length: count }, (_, i) => i + 1)) as {
        axis: { values?: number[]; tickMinStep?: number };
      };
      return axis.values ?? axis.tickMinStep;
    };
    assert.deepEqual(ticks(3), [1, 2, 3]);
    assert.equal(ticks(100), 1);
  });

  it("omits a round that is drawn for one arm only, but not beyond another's end", () => {
    const of = (arm: string, ...rounds: number[]) => rounds.map((round) => ({ arm, round }));
    const arms = [of("a", 1, 5, 9, 12), of("b", 1, 5, 7)];
    const common = commonRounds(arms);
    assert.deepEqual(
      arms.map((own) => own.map(({ round }) => round).filter((round) => common.has(round))),
      [
        [1, 5, 9, 12],
        [1, 5],
      ],
    );
  });

  it("reports how many rounds are drawn unless all are", () => {
    const run = (all: number, ...rounds: number[]) => {
      const drawn = rounds.map((round) => ({ arm: "a", round })) as unknown as ArmRecord[];
      const last = { arm: "a", round: all } as unknown as ArmRecord;
      return { drawn, last: new Map([["a", last]]) };
    };
    assert.equal(formatDrawnRounds(run(70_000, 1, 70_000)), " Drawn are 2 of 70,000 rounds.");
    assert.equal(formatDrawnRounds(run(3, 1, 2, 3)), "");
    assert.equal(formatSampledClients({ spacing: { drawn: 1, clients: 4 } }), "");
    assert.equal(
      formatSampledClients({ spacing: { drawn: 4, clients: 1 } }),
      " Of each round, one in 4 clients is drawn.",
    );
  });

  it("thins many points to the extremes and evenly spaced ones between them", () => {
    const crowd = Array.from({ length: 101 }, (_, i) => point((i * 37) % 101));
    assert.deepEqual(
      thinPoints([...crowd, point(null)], 5).map(({ score }) => score),
      [0, 25, 50, 75, 100],
    );
    assert.equal(thinPoints(crowd, 101).length, 101);
  });

  it("counts points without a score by round, truth and note", () => {
    const off = (note: string, truth = "broken", round = 1): ScorePoint => {
      return { ...point(null), note, truth, round };
    };
    const crowd = [off("LATE"), point(1), off("inactive"), off("LATE"), off("LATE", "broken", 2)];
    assert.deepEqual(
      summariseUnscored([...crowd, off("inactive", "benign")]).map(({ round, truth, note }) => [
        ...[round, truth, note],
      ]),
      [
        [1, "broken", "2 LATE, 1 inactive"],
        [2, "broken", "1 LATE"],
        [1, "benign", "1 inactive"],
      ],
    );
  });

  it("measures text with the widths of Helvetica", () => {
    assert.ok(Math.abs(textWidth("AB i", 10) - 18.34) < 1e-9);
  });
});

describe("html", () => {
  it("never lets text become markup", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const page = html`<p title="${text}">${text}</p>`.text;
        assert.doesNotMatch(page.slice(10, -4).replace(`">`, ""), /[<>"']/);
      }),
    );
  });

  it("escapes unprintable characters, but keeps the line breaks of preformatted text", () => {
    const evil = "a\u001b[31m\nb\u202ec";
    assert.equal(html`<p>${evil}</p>`.text, "<p>a\\u{1b}[31m\\nb\\u{202e}c</p>");
    assert.equal(preformatted("a: <1>\nb: 2").text, "a: &#60;1&#62;\nb: 2");
  });

  it("inserts markup unchanged", () => {
    assert.equal(
      html`<ul>
        ${[html`<li>${1}</li>`]}
      </ul>`.text.replace(/\s/g, ""),
      "<ul><li>1</li></ul>",
    );
  });
});

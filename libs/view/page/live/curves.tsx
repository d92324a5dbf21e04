import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { formatTick, formatValue } from "../parts/index.js";
import { isDark, palette } from "./theme.js";

/** One line over rounds. */
export interface Curve {
  readonly label: string;
  readonly colour: string;
  readonly dash: readonly number[];
  readonly rounds: readonly number[];
  readonly mean: readonly number[];
  /** Ends of a band around the line. */
  readonly low?: readonly number[];
  readonly high?: readonly number[];
}

const height = 220;

/** Lines over rounds, with a legend whose entries hide their lines. A table stands beside it. */
export function Curves({
  curves,
  label,
  better,
}: {
  readonly curves: readonly Curve[];
  readonly label: string;
  readonly better: "higher" | "lower" | undefined;
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<{ readonly chart: uPlot; readonly kind: string } | undefined>(undefined);
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const under = useSignal<number | undefined>(undefined);
  const isLog = better === "lower" && spanDecade(curves);
  const kind = `${isLog} ${curves.map(({ label: one, low }) => `${one}${low ? "+" : ""}`).join("\n")} ${isDark.value}`;
  useEffect(() => {
    const { current: element } = place;
    if (!element) return;
    if (plot.current?.kind !== kind) {
      plot.current?.chart.destroy();
      const chart = new uPlot(
        options(curves, element.clientWidth, under, isLog),
        alignedData(curves),
        element,
      );
      plot.current = { chart, kind };
    } else plot.current.chart.setData(alignedData(curves));
    for (const [i, curve] of curves.entries()) {
      const isShown = !hidden.value.has(curve.label);
      for (const series of [3 * i + 1, 3 * i + 2, 3 * i + 3]) {
        if (plot.current.chart.series[series]?.show !== isShown)
          plot.current.chart.setSeries(series, { show: isShown });
      }
    }
  });
  useEffect(() => {
    const { current: element } = place;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      plot.current?.chart.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.chart.destroy();
      plot.current = undefined;
    };
  }, []);
  const at = under.value;
  return (
    <figure class="curves">
      <div ref={place} role="img" aria-label={`${label}; the values are in the table below`} />
      <figcaption>
        {at !== undefined && <span class="at">round {at}</span>}
        {curves.map((curve) => (
          <button
            key={curve.label}
            class="legend"
            aria-pressed={!hidden.value.has(curve.label)}
            onClick={() => {
              hidden.value = toggled(hidden.value, curve.label);
            }}
          >
            <svg width="26" height="10" aria-hidden="true">
              <line
                x1="1"
                x2="25"
                y1="5"
                y2="5"
                stroke={curve.colour}
                stroke-width="2.5"
                stroke-dasharray={curve.dash.join(" ")}
              />
            </svg>
            {curve.label} {formatValue(valueAt(curve, at))}
          </button>
        ))}
      </figcaption>
    </figure>
  );
}

function toggled(set: ReadonlySet<string>, label: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(label)) next.add(label);
  return next;
}

/** The value of a round, or the last one. */
function valueAt({ rounds, mean }: Curve, round: number | undefined): number | undefined {
  return round === undefined ? mean.at(-1) : mean[rounds.indexOf(round)];
}

/** All curves over the same rounds, as uPlot needs them: for each its mean and its band. */
function alignedData(curves: readonly Curve[]): uPlot.AlignedData {
  const rounds = [...new Set(curves.flatMap((curve) => curve.rounds))].sort((a, b) => a - b);
  const place = new Map(rounds.map((round, i) => [round, i]));
  const spread = (own: readonly number[], values: readonly number[] | undefined) => {
    const all = new Array<number | null>(rounds.length).fill(null);
    if (values) own.forEach((round, i) => (all[place.get(round) ?? 0] = values[i] ?? null));
    return all;
  };
  const data = curves.flatMap((curve) => [
    spread(curve.rounds, curve.mean),
    spread(curve.rounds, curve.high),
    spread(curve.rounds, curve.low),
  ]);
  return [rounds, ...data];
}

function hasFewPoints({ data }: uPlot, series: number): boolean {
  return (data[series] ?? []).filter((value) => value != null).length < 3;
}

/**
 * Are the values positive, and do they span more than a decade? Errors then have a logarithmic
 * axis, as in reports: on a linear one all curves but the worst would lie near zero.
 */
function spanDecade(curves: readonly Curve[]): boolean {
  let [least, most] = [Infinity, 0];
  for (const { mean, low = mean, high = mean } of curves) {
    for (const values of [mean, low, high]) {
      for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
    }
  }
  return least > 0 && most / least > 10;
}

/** Ticks at 1, 2 and 5 times powers of ten, or at these powers alone if there are many. */
const logTicks: uPlot.Axis = {
  splits: (_, __, least, most) => {
    const factors = most / least > 1000 ? [1] : [1, 2, 5];
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(least)); 10 ** power <= most; power++) {
      // Parsed from text, because 10 ** -3 is not exactly 0.001.
      ticks.push(...factors.map((factor) => Number(`${factor}e${power}`)));
    }
    return ticks.filter((tick) => tick >= least && tick <= most);
  },
  filter: (_, splits) => splits,
};

function options(
  curves: readonly Curve[],
  width: number,
  under: { value: number | undefined },
  isLog: boolean,
): uPlot.Options {
  const { ink, muted, faint } = palette();
  const axis = {
    stroke: muted,
    font: "12px system-ui, sans-serif",
    grid: { stroke: faint, width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: { time: false },
      ...(isLog && { y: { distr: 3, range: (_, least, most) => [least / 1.2, most * 1.2] } }),
    },
    axes: [
      {
        ...axis,
        size: 30,
        grid: { show: false },
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10_000],
      },
      { ...axis, size: 52, values: (_, splits) => splits.map(formatTick), ...(isLog && logTicks) },
    ],
    series: [
      { label: "round" },
      ...curves.flatMap((curve): uPlot.Series[] => [
        {
          label: curve.label,
          stroke: curve.colour || ink,
          width: 2,
          dash: [...curve.dash],
          // A line of one or two rounds is hard to see.
          points: { show: hasFewPoints, size: 6 },
          spanGaps: true,
        },
        { stroke: "transparent", points: { show: false } },
        { stroke: "transparent", points: { show: false } },
      ]),
    ],
    bands: curves.flatMap((curve, i) =>
      curve.low
        ? [{ series: [3 * i + 2, 3 * i + 3] as [number, number], fill: `${curve.colour}22` }]
        : [],
    ),
    hooks: {
      setCursor: [
        (chart) => {
          const { idx } = chart.cursor;
          under.value = idx == null ? undefined : chart.data[0][idx];
        },
      ],
    },
  };
}

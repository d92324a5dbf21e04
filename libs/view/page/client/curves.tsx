import { maxOf, minOf } from "@fedclair/runs/numbers";
import { useSignal } from "@preact/signals";
import { logTicks, stepTicks } from "../../src/figures/ticks.js";
import type { MeasuredRound } from "../data/run-data.js";
import { formatTick, formatValue } from "../parts/index.js";
import { toggled } from "../parts/toggled.js";
import { useWidth } from "../parts/use-width.js";

/** One line over rounds. */
export interface Curve {
  readonly label: string;
  readonly colour: string;
  /** As `stroke-dasharray`. */
  readonly dash: string;
  readonly points: readonly MeasuredRound[];
  /** Is the range of each round drawn around the line? */
  readonly hasBand: boolean;
}

const height = 220;
const margin = { left: 52, right: 8, top: 8, bottom: 30 };

/** Lines over rounds, with a legend whose entries hide their lines. A table stands beside it. */
export function Curves({
  curves,
  label,
  better,
  at: marked,
}: {
  readonly curves: readonly Curve[];
  readonly label: string;
  /** A round that is marked while the reader points at no other. */
  readonly at?: number | undefined;
  readonly better: "higher" | "lower" | undefined;
}) {
  const { ref, width } = useWidth();
  const hidden = useSignal<ReadonlySet<string>>(new Set());
  const under = useSignal<number | undefined>(undefined);
  const shown = curves.filter((curve) => !hidden.value.has(curve.label));
  const scales = createScales(shown, width, better === "lower" && spanDecade(curves));
  const at = under.value ?? marked;
  const point = (event: PointerEvent & { readonly currentTarget: SVGElement }) => {
    const place = event.clientX - event.currentTarget.getBoundingClientRect().left;
    under.value = nearestRound(shown, scales.roundAt(place));
  };
  return (
    <figure class="curves">
      <div ref={ref}>
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={label}
          onPointerMove={point}
          onPointerLeave={() => (under.value = undefined)}
        >
          <Axes scales={scales} width={width} />
          {shown.map((curve) => (
            <Line key={curve.label} curve={curve} scales={scales} width={width} />
          ))}
          {at !== undefined && <Cursor round={at} curves={shown} scales={scales} />}
        </svg>
      </div>
      <figcaption>
        {at !== undefined && <span class="at">round {at}</span>}
        {curves.map((curve) => (
          <button
            key={curve.label}
            class="curve-key"
            aria-pressed={!hidden.value.has(curve.label)}
            onClick={() => (hidden.value = toggled(hidden.value, curve.label))}
          >
            <svg width="26" height="10" aria-hidden="true">
              <line {...strokeOf(curve)} x1="1" x2="25" y1="5" y2="5" />
            </svg>
            {curve.label} {formatValue(pointAt(curve, at)?.mean)}
          </button>
        ))}
      </figcaption>
    </figure>
  );
}

type Scales = ReturnType<typeof createScales>;

/** Maps rounds and values to pixels, with ticks. */
function createScales(curves: readonly Curve[], width: number, isLog: boolean) {
  const [first, last] = range(
    curves.flatMap(({ points }) => [points[0]?.round ?? 1, points.at(-1)?.round ?? 1]),
  );
  const [from, to] = first === last ? [first - 1, last + 1] : [first, last];
  const [least, most] = range(curves.flatMap(listValues));
  // Values that differ by rounding only are a flat line.
  const isFlat = most - least <= 1e-9 * Math.abs(most);
  const space = isFlat ? Math.abs(most) / 10 || 1 : (most - least) / 20;
  const [low, high] = isLog ? [least / 1.2, most * 1.2] : [least - space, most + space];
  const place = isLog ? Math.log : (value: number) => value;
  const [w, h] = [width - margin.left - margin.right, height - margin.top - margin.bottom];
  return {
    x: (round: number) => margin.left + (w * (round - from)) / (to - from),
    y: (value: number) =>
      margin.top + (h * (place(high) - place(value))) / (place(high) - place(low)),
    roundAt: (x: number) => from + ((x - margin.left) * (to - from)) / w,
    rounds: stepTicks(from, to, Math.max(2, w / 60)).filter(Number.isInteger),
    values: isLog ? logTicks(low, high) : stepTicks(low, high, 5),
  };
}

function range(values: readonly number[]): readonly [number, number] {
  return values.length === 0 ? [0, 1] : [minOf(values), maxOf(values)];
}

function listValues({ points, hasBand }: Curve): number[] {
  return points.flatMap(({ mean, low, high }) => (hasBand ? [mean, low, high] : [mean]));
}

function Axes({ scales, width }: { readonly scales: Scales; readonly width: number }) {
  const { x, y, rounds, values } = scales;
  return (
    <>
      {values.map((value) => (
        <g key={value}>
          <line
            class="grid"
            x1={margin.left}
            x2={width - margin.right}
            y1={y(value)}
            y2={y(value)}
          />
          <text x={margin.left - 6} y={y(value) + 4} text-anchor="end">
            {formatTick(value)}
          </text>
        </g>
      ))}
      {rounds.map((round) => (
        <text key={round} x={x(round)} y={height - 8} text-anchor="middle">
          {round.toLocaleString("en-GB")}
        </text>
      ))}
    </>
  );
}

/** A line and its band. More than two points for each pixel could not be told apart. */
function Line({
  curve,
  scales,
  width,
}: {
  readonly curve: Curve;
  readonly scales: Scales;
  readonly width: number;
}) {
  const { points, colour, hasBand } = curve;
  const step = Math.ceil(points.length / (2 * width));
  const kept = points.filter((_, i) => i % step === 0 || i === points.length - 1);
  const trace = (field: "mean" | "low" | "high") =>
    kept.map((point) => `${scales.x(point.round).toFixed(1)},${scales.y(point[field]).toFixed(1)}`);
  return (
    <>
      {hasBand && (
        <polygon
          points={[...trace("low"), ...trace("high").reverse()].join(" ")}
          fill={colour}
          opacity="0.14"
        />
      )}
      <polyline {...strokeOf(curve)} points={trace("mean").join(" ")} />
      {/* A line of one or two rounds is hard to see. */}
      {points.length < 3 &&
        kept.map((point) => (
          <Point key={point.round} point={point} colour={colour} scales={scales} />
        ))}
    </>
  );
}

function Point({
  point: { round, mean },
  colour,
  scales: { x, y },
}: {
  readonly point: MeasuredRound;
  readonly colour: string;
  readonly scales: Scales;
}) {
  return <circle cx={x(round)} cy={y(mean)} r="3.5" fill={colour} />;
}

/** Marks the round under the pointer. */
function Cursor({
  round,
  curves,
  scales,
}: {
  readonly round: number;
  readonly curves: readonly Curve[];
  readonly scales: Scales;
}) {
  const x = scales.x(round);
  return (
    <>
      <line class="cursor" x1={x} x2={x} y1={margin.top} y2={height - margin.bottom} />
      {curves.map((curve) => {
        const point = pointAt(curve, round);
        return (
          point && <Point key={curve.label} point={point} colour={curve.colour} scales={scales} />
        );
      })}
    </>
  );
}

function strokeOf({ colour, dash }: Curve) {
  return { fill: "none", stroke: colour, "stroke-width": 2, "stroke-dasharray": dash };
}

/** The point of a round, or the last one. */
function pointAt({ points }: Curve, round: number | undefined): MeasuredRound | undefined {
  return round === undefined ? points.at(-1) : points.find((point) => point.round === round);
}

function nearestRound(curves: readonly Curve[], place: number): number | undefined {
  const rounds = curves.flatMap(({ points }) => points.map(({ round }) => round));
  const nearest = minOf(rounds.map((round) => Math.abs(round - place)));
  return rounds.find((round) => Math.abs(round - place) === nearest);
}

/**
 * Are the values positive, and do they span more than a decade? Errors then have a logarithmic
 * axis, as in reports: on a linear one all curves but the worst would lie near zero.
 */
function spanDecade(curves: readonly Curve[]): boolean {
  const [least, most] = range(curves.flatMap(listValues));
  return least > 0 && most / least > 10;
}

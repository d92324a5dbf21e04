import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ClientInRound } from "../data/read-rounds.js";
import { flagsClient } from "../data/verdicts.js";
import { formatRatio } from "../parts/index.js";
import { useWidth } from "../parts/use-width.js";
import { letterWidth, lineHeight, type StripFrame } from "./strip-frame.js";

/** A ratio is drawn at least this large, since the axis is logarithmic. */
const minRatio = 0.01;

/**
 * The scores of a round over their thresholds, a row for each truth. Filled: flagged; the line is
 * the threshold. A mark walks when another round is shown.
 */
export function ScoreStrip({
  frame: { names, truths, ratios, rows, nameWidth },
  clients,
  selected,
  onSelect,
}: {
  readonly frame: StripFrame;
  readonly clients: readonly ClientInRound[];
  readonly selected: number | undefined;
  readonly onSelect: (index: number) => void;
}) {
  const { ref, width } = useWidth();
  const drawn = useRef(width);
  const isResized = drawn.current !== width;
  useEffect(() => {
    drawn.current = width;
  });
  const pointed = useSignal<number | undefined>(undefined);
  const scored = clients.filter(({ ratio }) => !Number.isNaN(ratio));
  if (scored.length === 0) return <p class="note">No client of this round has a score.</p>;
  const truth = (index: number) => truths[index] ?? "benign";
  const left = Math.min(150, width / 4);
  // Names stand to the right of their marks, as far as a phone has room.
  const right = Math.max(44, Math.min(nameWidth + 24, width / 3));
  const [low, high] = [
    Math.log(Math.max(ratios[0], minRatio)),
    Math.log(Math.max(ratios[1], minRatio)),
  ];
  const x = (ratio: number) =>
    left +
    8 +
    ((width - left - right) * (Math.log(Math.max(ratio, minRatio)) - low)) / (high - low);
  const ticks = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000].filter(
    (tick) => Math.log(tick) >= low && Math.log(tick) <= high,
  );
  const { top: lastTop, height: lastHeight } = rows.at(-1) ?? { top: 0, height: 0 };
  const height = lastTop + lastHeight;
  const marks = rows.flatMap((row) => {
    const place = new Map(row.clients.map((index, i) => [index, i]));
    // Each contaminated client has a line of its own, and a fixed pattern keeps benign ones apart.
    const y = (index: number) =>
      row.truth === "benign"
        ? 8 + ((index * 5) % 13) * 2.2
        : 8 + ((place.get(index) ?? 0) * (row.height - 16)) / Math.max(1, row.clients.length - 1);
    return scored
      .filter(({ index }) => place.has(index))
      .map((client) => ({ client, x: x(client.ratio), y: row.top + y(client.index) }));
  });
  const labels = placeNames(
    marks.filter(({ client: { verdict } }) => flagsClient(verdict) || verdict === "undecided"),
    (index) => names[index] ?? "",
    width,
  );
  const name = (index: number) => names[index] ?? "";
  const at = clients.find(({ index }) => index === (pointed.value ?? selected));
  const indexOf = (target: EventTarget | null) => {
    const value = target instanceof SVGElement ? target.dataset.client : undefined;
    return value === undefined ? undefined : Number(value);
  };
  return (
    <div class={`strip ${isResized ? "" : "walking"}`} ref={ref}>
      <svg
        width={width}
        height={height + 22}
        role="img"
        aria-label="Score over threshold of each client; the list below has the same"
        onClick={({ target }) => {
          const index = indexOf(target);
          if (index !== undefined) onSelect(index);
        }}
        onPointerOver={({ target }) => (pointed.value = indexOf(target))}
      >
        {ticks.map((tick) => (
          <g key={tick}>
            <line
              class={tick === 1 ? "limit" : "grid"}
              x1={x(tick)}
              x2={x(tick)}
              y1="0"
              y2={height}
            />
            <text x={x(tick)} y={height + 15} text-anchor="middle">
              {tick === 1 ? "threshold" : `${tick} ×`}
            </text>
          </g>
        ))}
        {rows.map((row) => (
          <text key={row.truth} x="0" y={row.top + row.height / 2 + 4}>
            {row.truth}
          </text>
        ))}
        {labels.map(({ index, text, x: left, y: base }) => (
          <text key={index} class="name" x={left} y={base}>
            {text}
          </text>
        ))}
        {marks.map(({ client: { index, verdict }, x: cx, y }) => {
          const kind = flagsClient(verdict)
            ? "flagged"
            : verdict === "undecided"
              ? "undecided"
              : "";
          const isChosen = index === selected;
          return (
            <circle
              key={index}
              class={`${kind} ${isChosen ? "chosen" : ""}`}
              data-client={index}
              cx={cx}
              cy={y}
              r={isChosen ? 7 : 4.5}
            />
          );
        })}
      </svg>
      <p class="note" role="status">
        {at
          ? `${name(at.index)} (${truth(at.index)}): ${at.verdict}${describeScore(at)}`
          : "Filled: flagged; ringed: undecided; hollow: not flagged. Point at a client, or click it."}
      </p>
    </div>
  );
}

function describeScore({ score, threshold, ratio }: ClientInRound): string {
  const times = Number.isNaN(ratio) ? "" : `${formatRatio(ratio)} `;
  return threshold === "–"
    ? `, ${times}threshold`
    : `, score ${score}, ${times}threshold ${threshold}`;
}

interface Mark {
  readonly client: ClientInRound;
  readonly x: number;
  readonly y: number;
}

/** Places names to the right or left of marks, as far as they do not cover one another. */
function placeNames(marks: readonly Mark[], nameOf: (index: number) => string, width: number) {
  const placed: { index: number; text: string; x: number; end: number; y: number }[] = [];
  for (const { client, x, y } of marks.toSorted((a, b) => a.x - b.x)) {
    const text = nameOf(client.index);
    const size = text.length * letterWidth;
    const isFree = (left: number) =>
      left >= 0 &&
      left + size <= width &&
      placed.every(
        (one) => Math.abs(one.y - y - 4) > lineHeight || one.end < left || one.x > left + size,
      ) &&
      marks.every((one) => Math.abs(one.y - y) > 8 || one.x < left - 5 || one.x > left + size + 5);
    const left = [x + 8, x - 8 - size].find(isFree);
    if (left !== undefined)
      placed.push({ index: client.index, text, x: left, end: left + size, y: y + 4 });
  }
  return placed;
}

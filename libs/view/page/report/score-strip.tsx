import { useSignal } from "@preact/signals";
import type { RoundsData } from "../../src/data/rounds.js";
import type { ClientInRound } from "../data/read-rounds.js";
import { flagsClient } from "../data/verdicts.js";
import { formatRatio } from "../parts/index.js";
import { useWidth } from "../parts/use-width.js";

const rowHeight = 44;
/** A ratio is drawn at least this large, since the axis is logarithmic. */
const minRatio = 0.01;

/**
 * The scores of a round over their thresholds, a row for each truth. Filled: flagged; the line is
 * the threshold.
 */
export function ScoreStrip({
  data,
  clients,
  selected,
  onSelect,
}: {
  readonly data: RoundsData;
  readonly clients: readonly ClientInRound[];
  readonly selected: number | undefined;
  readonly onSelect: (index: number) => void;
}) {
  const { ref, width } = useWidth();
  const pointed = useSignal<number | undefined>(undefined);
  const scored = clients.filter(({ ratio }) => !Number.isNaN(ratio));
  if (scored.length === 0) return <p class="note">No client of this round has a score.</p>;
  const truth = (index: number) => data.truths[index] ?? "benign";
  const rows = [...new Set(scored.map(({ index }) => truth(index)))].sort(
    (a, b) => Number(a === "benign") - Number(b === "benign"),
  );
  const left = Math.min(150, width / 4);
  const ratios = scored.map(({ ratio }) => Math.max(ratio, minRatio));
  const low = Math.log(Math.min(0.8, ...ratios));
  const high = Math.log(Math.max(1.25, ...ratios));
  const x = (ratio: number) =>
    left + 8 + ((width - left - 20) * (Math.log(Math.max(ratio, minRatio)) - low)) / (high - low);
  const ticks = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000].filter(
    (tick) => Math.log(tick) >= low && Math.log(tick) <= high,
  );
  const height = rows.length * rowHeight;
  const name = (index: number) => data.names[index] ?? "";
  const at = clients.find(({ index }) => index === (pointed.value ?? selected));
  const indexOf = (target: EventTarget | null) => {
    const value = target instanceof SVGElement ? target.dataset.client : undefined;
    return value === undefined ? undefined : Number(value);
  };
  return (
    <div class="strip" ref={ref}>
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
        {rows.map((row, r) => (
          <text key={row} x="0" y={r * rowHeight + 26}>
            {row}
          </text>
        ))}
        {scored.map((client, i) => {
          const { index, ratio, verdict } = client;
          // A fixed pattern keeps clients of equal scores apart.
          const y = rows.indexOf(truth(index)) * rowHeight + 8 + ((i * 5) % 13) * 2.2;
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
              cx={x(ratio)}
              cy={y}
              r={isChosen ? 7 : 4.5}
            />
          );
        })}
      </svg>
      <p class="note" role="status">
        {at
          ? `${name(at.index)} (${truth(at.index)}): ${at.verdict}, score ${at.score}, ${Number.isNaN(at.ratio) ? "" : `${formatRatio(at.ratio)} `}threshold ${at.threshold}`
          : "Filled: flagged; ringed: undecided; hollow: not flagged. Point at a client, or click it."}
      </p>
    </div>
  );
}

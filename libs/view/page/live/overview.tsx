import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { FlaggedClient, RunState } from "../../src/data/protocol.js";
import type { RunData } from "../data/run-data.js";
import type { ShownRun } from "./connection.js";
import { Curves, type Curve } from "../client/curves.js";
import {
  PageNotice,
  PageTable,
  countLabel,
  formatRatio,
  formatSeconds,
  formatValue,
} from "../parts/index.js";
import { reportAddress } from "../../src/data/routes.js";
import { RoundStrip } from "./round-strip.js";
import { clientAddress } from "./route.js";
import { CardLine } from "./status-parts.js";
import { curveDashes, palette } from "../parts/theme.js";

/**
 * What a reader wants to know first.
 * @param isWhole has everything arrived? Rounds that arrive one by one would move what is below
 */
export function Overview({ followed, run, isWhole }: ShownRun & { readonly isWhole: boolean }) {
  const round = useSignal<number | undefined>(undefined);
  return (
    <section id="overview" aria-label="At a glance">
      {run.why !== undefined && <PageNotice isUrgent>{run.why}</PageNotice>}
      <Card run={run} />
      {run.status === "running" && <Progress followed={followed} run={run} />}
      {run.hasReport && (
        <p>
          <a href={reportAddress(run.path)}>Open the report</a>
        </p>
      )}
      {isWhole && run.arms.length > 0 && (
        <div class="columns">
          <Flagged run={run}>
            <RoundStrip followed={followed} run={run} round={round} />
          </Flagged>
          <Methods followed={followed} run={run} round={round.value} />
        </div>
      )}
    </section>
  );
}

/** The result of terminal and report: at a glance, and in a sentence with a line per part. */
export function Card({ run: { card, sentence } }: Pick<ShownRun, "run">) {
  return (
    <div aria-live="polite">
      <CardLine card={card} />
      <details open={!card || card.parts.length === 0}>
        <summary>In words</summary>
        <ul class="details">
          {sentence.split("; ").map((part) => (
            <li key={part}>{part}</li>
          ))}
        </ul>
      </details>
    </div>
  );
}

export function Progress({ followed, run }: ShownRun) {
  const activity = followed.activity.value;
  const all = run.rounds * run.arms.length;
  const done = run.arms.reduce((sum, { rounds }) => sum + rounds, 0);
  const arm = activity?.arm ?? run.arms.find(({ rounds }) => rounds < run.rounds)?.label ?? "";
  const round = activity?.round ?? (run.arms.find(({ label }) => label === arm)?.rounds ?? 0) + 1;
  const answers =
    activity?.doing === "training" && activity.asked > 0
      ? `: ${activity.answered} of ${activity.asked} clients have answered`
      : "";
  return (
    <div class="progress">
      <progress max={all} value={done} aria-label={`${done} of ${countLabel(all, "round")} done`} />
      <p>
        {arm}, round {Math.min(round, run.rounds)} of {run.rounds}
        {activity && activity.doing !== "finished" && `, ${activity.doing}${answers}`}
        {run.secondsLeft !== undefined && <b> About {formatSeconds(run.secondsLeft)} left.</b>}
      </p>
    </div>
  );
}

function Methods({ followed, run, round }: ShownRun & { readonly round: number | undefined }) {
  const { metric } = run;
  const curves = useComputed(() => curvesOf(followed.grown.value.data, run));
  if (!metric) {
    return (
      <div>
        <h2>Methods</h2>
        <PageTable
          caption="The methods and their rounds"
          heads={["method", "rounds"]}
          rows={run.arms.map(({ label, rounds }) => [label, `${rounds} of ${run.rounds}`])}
          numbers={[1]}
        />
      </div>
    );
  }
  const what = `${metric.name}${metric.unit === undefined ? "" : ` (${metric.unit})`}`;
  const who = metric.isGlobal ? "measured by the coordinator" : `mean of ${run.measuring}`;
  const better = metric.better === undefined ? "" : `, ${metric.better} is better`;
  return (
    <div>
      <h2>{`${what.charAt(0).toUpperCase()}${what.slice(1)} by round`}</h2>
      <p class="note">
        {who}
        {better}
        {!metric.isGlobal && ". The band is the 10–90 % range of the first."}
      </p>
      {curves.value && <Curves {...curves.value} at={round} />}
      <MethodTable followed={followed} run={run} what={what} />
    </div>
  );
}

/** The metric of each method by round. Returns undefined if the run has none. */
export function curvesOf(data: RunData, { arms, metric }: RunState) {
  const { arms: colours } = palette();
  if (!metric) return undefined;
  const what = `${metric.name}${metric.unit === undefined ? "" : ` (${metric.unit})`}`;
  const curves = arms.map(({ label }, i): Curve => {
    return {
      label,
      colour: colours[i % colours.length] ?? "",
      dash: curveDashes[i % curveDashes.length] ?? "",
      points: data.arm(i).measured,
      hasBand: i === 0 && !metric.isGlobal,
    };
  });
  return {
    curves,
    label: `${what} of each method by round; the values are in the table below`,
    better: metric.better,
  };
}

function MethodTable({ followed, run, what }: ShownRun & { readonly what: string }) {
  const { data } = followed.grown.value;
  const rows = run.arms.map(({ label, rounds, stopped }, i) => {
    const last = data.arm(i).measured.at(-1);
    const hasRange = last && !run.metric?.isGlobal;
    return [
      stopped === undefined ? label : `${label} (stopped: ${stopped})`,
      `${rounds} of ${run.rounds}`,
      formatValue(last?.mean),
      hasRange ? `${formatValue(last.low)} – ${formatValue(last.high)}` : "–",
      hasRange ? last.count : "–",
    ];
  });
  return (
    <PageTable
      caption={`The methods and their latest ${what}`}
      heads={["method", "rounds", what, "10–90 %", "n"]}
      rows={rows}
      numbers={[1, 2, 3, 4]}
    />
  );
}

function Flagged({
  run,
  children,
}: Pick<ShownRun, "run"> & { readonly children: ComponentChildren }) {
  const { flagged, flaggedCount } = run;
  if (!run.judges) {
    return (
      <div>
        <h2>Flagged clients</h2>
        <p class="note">
          {run.arms[0]?.rounds === 0
            ? "No round has ended yet."
            : `${run.arms[0]?.label ?? ""} judges no clients.`}
        </p>
      </div>
    );
  }
  return (
    <div>
      <h2>
        {flaggedCount === 0
          ? "No client is flagged"
          : `${countLabel(flaggedCount, "client")} flagged`}
      </h2>
      <p class="note">By the last verdict on each.</p>
      {children}
      {flagged.length > 0 && (
        <PageTable
          caption="Flagged clients, the furthest above the threshold first"
          heads={["client", "score over threshold", "rounds", "truth"]}
          rows={flagged.slice(0, 12).map(flaggedCells)}
          numbers={[1, 2]}
        />
      )}
      {flaggedCount > 12 && <p class="note">{flaggedCount - 12} more are in the map below.</p>}
    </div>
  );
}

function flaggedCells(client: FlaggedClient) {
  const { id, name, score, threshold, roundsFlagged, roundsJudged, truth, mistake } = client;
  const ratio = score === null || threshold === null ? NaN : score / threshold;
  return [
    <a key="name" href={clientAddress(id)}>
      {name}
    </a>,
    Number.isNaN(ratio) ? "invalid" : formatRatio(ratio),
    `${roundsFlagged} of ${roundsJudged}`,
    mistake === undefined ? truth : <b key="truth">{`${truth}: ${mistake}`}</b>,
  ];
}

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ClientRound, RunState } from "../../src/data/protocol.js";
import { hostOf } from "./host-of.js";
import type { FollowedRun } from "./connection.js";
import {
  Notice,
  Table,
  formatAgo,
  formatRatio,
  formatSeconds,
  formatValue,
} from "../parts/index.js";
import { clientId } from "./run-data.js";
import { readLines } from "./read-lines.js";

/** Everything that the records have about one client. */
export function ClientPanel({
  followed,
  run,
  client,
  onClose,
}: {
  readonly followed: FollowedRun;
  readonly run: RunState;
  readonly client: number;
  readonly onClose: () => void;
}) {
  const id = clientId(client, run.clients);
  const rounds = useSignal<readonly ClientRound[] | undefined>(undefined);
  const fault = useSignal<string | undefined>(undefined);
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    close.current?.focus();
    const onKey = ({ key }: KeyboardEvent) => {
      if (key === "Escape") onClose();
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  // Read again when rounds were added.
  const done = run.arms.reduce((sum, arm) => sum + arm.rounds, 0);
  useEffect(() => {
    const ending = new AbortController();
    readClient(run.path, id, ending.signal).then(
      (found) => {
        rounds.value = found;
        fault.value = undefined;
      },
      (error: unknown) => {
        if (!ending.signal.aborted)
          fault.value = error instanceof Error ? error.message : String(error);
      },
    );
    return () => {
      ending.abort();
    };
  }, [done]);
  const name = followed.names.value[client];
  return (
    <div class="panel" role="dialog" aria-label={`Client ${id}`}>
      <div class="section-head">
        <h2>
          {id} {name}
        </h2>
        <button ref={close} onClick={onClose} aria-label="Close">
          ✕
        </button>
      </div>
      {fault.value !== undefined && <Notice isUrgent>{fault.value}</Notice>}
      <HostLine followed={followed} id={id} />
      {rounds.value === undefined ? (
        fault.value === undefined && <p class="note">Reading its records…</p>
      ) : (
        <Rounds rounds={rounds.value} main={run.arms[0]?.label ?? ""} />
      )}
    </div>
  );
}

/** Reads the rounds of a client, all arms together. */
async function readClient(
  path: string,
  id: string,
  signal: AbortSignal,
): Promise<readonly ClientRound[]> {
  const query = new URLSearchParams({ run: path, client: id });
  const answer = await fetch(`/api/client?${query.toString()}`, { signal });
  if (!answer.ok || !answer.body) throw new Error((await answer.text()).trim());
  const rounds: ClientRound[] = [];
  for await (const line of readLines(answer.body)) rounds.push(JSON.parse(line) as ClientRound);
  return rounds;
}

function HostLine({ followed, id }: { readonly followed: FollowedRun; readonly id: string }) {
  const activity = followed.activity.value;
  const host = activity && hostOf(activity.hosts, id);
  if (!host) return null;
  return (
    <p class="note">
      Held by {host.name} at {host.address}, last seen {formatAgo(host.lastSeen, Date.now())}.
    </p>
  );
}

function Rounds({
  rounds,
  main,
}: {
  readonly rounds: readonly ClientRound[];
  readonly main: string;
}) {
  const own = rounds.filter(({ arm }) => arm === main);
  const chosen = useSignal<number | undefined>(undefined);
  const at = own.find(({ round }) => round === chosen.value) ?? own.at(-1);
  if (!at) return <p>It was in no round of {main} so far.</p>;
  const ratio = ({ score, threshold }: ClientRound) =>
    score == null || threshold == null ? NaN : score / threshold;
  return (
    <>
      <dl class="facts">
        <div>
          <dt>truth</dt>
          <dd>{at.truth}</dd>
        </div>
        <div>
          <dt>rounds</dt>
          <dd>{own.length}</dd>
        </div>
        <div>
          <dt>flagged in</dt>
          <dd>
            {
              own.filter(({ verdict }) => verdict === "contaminated" || verdict === "invalid")
                .length
            }
          </dd>
        </div>
      </dl>
      <ScoreLine rounds={own} at={at.round} onChoose={(round) => (chosen.value = round)} />
      <label class="slider">
        Round {at.round}
        <input
          type="range"
          min={0}
          max={own.length - 1}
          value={own.indexOf(at)}
          onInput={(event) => (chosen.value = own[Number(event.currentTarget.value)]?.round)}
        />
      </label>
      <p>
        <b>{at.failure === undefined ? (at.verdict ?? "not judged") : "failed"}</b>
        {!Number.isNaN(ratio(at)) &&
          `, score ${formatValue(at.score)} against ${formatValue(at.threshold)} (${formatRatio(ratio(at))})`}
        {at.verdict !== undefined && at.pooled === false && ", left out of what is shared"}
      </p>
      {at.reason !== undefined && <p class="note">{at.reason}</p>}
      {at.failure !== undefined && <Notice>{at.failure}</Notice>}
      {at.evidence && at.evidence.length > 0 && <Evidence evidence={at.evidence} />}
      {at.modules && at.modules.length > 0 && <Modules modules={at.modules} />}
      <Metrics rounds={own} at={at} />
      <p class="note">
        {at.numExamples !== undefined && `${at.numExamples.toLocaleString("en-GB")} examples. `}
        {at.seconds !== undefined &&
          `Answered after ${formatSeconds(at.seconds)} of simulated time. `}
        {at.refinement !== undefined && `Goes on with ${at.refinement}.`}
      </p>
    </>
  );
}

/** Score over threshold by round; the dashed line is the threshold. */
function ScoreLine({
  rounds,
  at,
  onChoose,
}: {
  readonly rounds: readonly ClientRound[];
  readonly at: number;
  readonly onChoose: (round: number) => void;
}) {
  const points = rounds.flatMap(({ round, score, threshold }) =>
    score == null || threshold == null || threshold <= 0
      ? []
      : [{ round, ratio: score / threshold }],
  );
  if (points.length === 0) return null;
  const [width, height] = [380, 92];
  const last = Math.max(...rounds.map(({ round }) => round));
  const most = Math.max(1.25, ...points.map(({ ratio }) => ratio)) * 1.08;
  const x = (round: number) => 8 + ((width - 16) * (round - 1)) / Math.max(1, last - 1);
  const y = (ratio: number) => height - 6 - ((height - 12) * ratio) / most;
  const line = points
    .map(({ round, ratio }) => `${x(round).toFixed(1)},${y(ratio).toFixed(1)}`)
    .join(" ");
  return (
    <svg
      class="score"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label="Score over threshold by round; the slider below chooses a round"
    >
      <line class="limit" x1="0" x2={width} y1={y(1)} y2={y(1)} />
      <polyline points={line} />
      {points.length <= 120 &&
        points.map(({ round, ratio }) => (
          <circle
            key={round}
            class={round === at ? "chosen" : ratio > 1 ? "over" : ""}
            cx={x(round)}
            cy={y(ratio)}
            r={round === at ? 5 : 3}
            onClick={() => {
              onChoose(round);
            }}
          />
        ))}
    </svg>
  );
}

function Evidence({ evidence }: { readonly evidence: NonNullable<ClientRound["evidence"]> }) {
  const most = Math.max(4, ...evidence.map(({ deviations }) => deviations));
  return (
    <>
      <h3>Evidence</h3>
      <Table
        caption="Evidence of this round"
        heads={["kind", "value", "deviations from the others"]}
        numbers={[1]}
        rows={evidence.map(({ kind, statistic, deviations, rounds }) => [
          rounds === undefined ? kind : `${kind}, over ${rounds} rounds`,
          formatValue(statistic),
          <Bar key="bar" value={deviations} most={most} />,
        ])}
      />
    </>
  );
}

/** A number with a bar before it. */
function Bar({ value, most }: { readonly value: number; readonly most: number }) {
  return (
    <span class="margin">
      <svg width="76" height="10" aria-hidden="true">
        <rect class="bar" x="0" y="2" width={(76 * Math.max(0, value)) / most} height="6" />
      </svg>
      {formatValue(value)}
    </span>
  );
}

function Modules({ modules }: { readonly modules: NonNullable<ClientRound["modules"]> }) {
  const most = Math.max(...modules.map(({ ratio }) => ratio));
  return (
    <>
      <h3>Modules</h3>
      <Table
        caption="Modules in which it lies farthest outside"
        heads={["farthest in", "× the usual distance"]}
        rows={modules.map(({ module, ratio }) => [
          <code key="name">{module}</code>,
          <Bar key="bar" value={ratio} most={most} />,
        ])}
      />
    </>
  );
}

function Metrics({
  rounds,
  at,
}: {
  readonly rounds: readonly ClientRound[];
  readonly at: ClientRound;
}) {
  const before = rounds[rounds.indexOf(at) - 1];
  const rows = (["train", "evaluation"] as const).flatMap((kind) =>
    Object.entries(at[kind] ?? {}).map(([name, value]) => [
      `${name} (${kind === "train" ? "training" : "own data"})`,
      formatValue(value),
      formatValue(before?.[kind]?.[name]),
    ]),
  );
  if (rows.length === 0) return null;
  return (
    <>
      <h3>Measured</h3>
      <Table
        caption="What the client measured"
        heads={["metric", `round ${at.round}`, before ? `round ${before.round}` : "before"]}
        rows={rows}
        numbers={[1, 2]}
      />
    </>
  );
}

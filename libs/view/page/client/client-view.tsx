import type { RoundsData } from "../../src/data/rounds.js";
import {
  findNeighbours,
  ratioAt,
  toNumber,
  type ClientInRound,
  type PieceInRound,
} from "../data/read-rounds.js";
import { flagsClient } from "../data/verdicts.js";
import { Command, PageTable, formatRatio } from "../parts/index.js";
import { useWidth } from "../parts/use-width.js";

const maxNeighbours = 5;

/** With more rounds, the points of the history would hide its line. */
const maxPoints = 120;

/** A client, and the round in which it is shown. */
interface ShownClient {
  /** Rounds with the client; others may be in them. */
  readonly data: RoundsData;
  /** The position of the round. */
  readonly at: number;
  readonly index: number;
  /** The clients of the round. */
  readonly clients: readonly ClientInRound[];
  /** Whether the page is a report, where nobody can start a replay. */
  readonly isReport?: boolean;
  readonly onRound: (at: number) => void;
  readonly onSelect: (index: number) => void;
}

/** The same, where the client is in the round. */
type ShownInRound = ShownClient & { readonly client: ClientInRound };

/** Everything about a client in a round: evidence, neighbours and history. */
export function ClientView(shown: ShownClient) {
  const { data, at, index, clients, isReport } = shown;
  const client = clients.find((one) => one.index === index);
  const round = data.rounds[at]?.round ?? 0;
  return (
    <div class="client">
      <h3>
        {data.names[index]} <span class="note">{data.truths[index] ?? "benign"}</span>
      </h3>
      {client ? (
        <>
          <Verdict {...shown} client={client} />
          {client.evidence.length > 0 && <Evidence {...shown} client={client} />}
          {client.modules.length > 0 && <Modules {...shown} client={client} />}
          <MissingEvidence {...shown} />
          <Neighbours {...shown} client={client} />
        </>
      ) : (
        <p>It was not in round {round}.</p>
      )}
      <History {...shown} />
      <Measured {...shown} />
      {isReport && <ReplayCommand run={data.run} id={idOf(data, index)} from={round} isReport />}
    </div>
  );
}

function Verdict({ data, client }: ShownInRound) {
  const { verdict, score, threshold, ratio, reason, metric } = client;
  return (
    <p>
      <b>{flagsClient(verdict) ? `flagged: ${verdict}` : verdict}</b>
      {score !== "–" && (
        <>
          , score <span data-value="score">{score}</span>
        </>
      )}
      {threshold !== "–" && (
        <>
          {" "}
          against a threshold of <span data-value="threshold">{threshold}</span>
        </>
      )}
      {!Number.isNaN(ratio) && ` (${formatRatio(ratio)})`}
      {data.metric !== undefined && metric !== "–" && (
        <>
          ; {data.metric} <span data-value="metric">{metric}</span> on its own data
        </>
      )}
      {reason === "" ? "." : `: ${reason.replace(/\.$/, "")}.`}
    </p>
  );
}

/** The evidence about a client, with that of all others as ticks beside it. */
function Evidence({ client, clients }: ShownInRound) {
  const byDeviations = client.evidence.toSorted(
    (a, b) => toNumber(b.deviations) - toNumber(a.deviations),
  );
  return (
    <PageTable
      caption="Evidence"
      heads={["evidence", "value", "deviations", "all clients", "rank"]}
      rows={byDeviations.map((piece) => evidenceCells(piece, clients))}
      numbers={[1, 2, 4]}
    />
  );
}

/** A row of the table, with a tick for each client. */
function evidenceCells(
  { kind, statistic, deviations, rounds }: PieceInRound,
  clients: readonly ClientInRound[],
) {
  const all = clients.flatMap(({ evidence }) => {
    const own = evidence.find((one) => one.kind === kind);
    return own ? [toNumber(own.deviations)] : [];
  });
  const own = toNumber(deviations);
  const most = Math.max(4, ...all);
  const rank = 1 + all.filter((value) => value > own).length;
  const x = (value: number) => 6 + (148 * value) / most;
  return [
    <span key="kind" data-kind={kind}>
      {kind.replace(/ over rounds$/, `, over ${rounds} rounds`)}
    </span>,
    <span key="statistic" data-value="statistic">
      {statistic}
    </span>,
    <span key="deviations" data-value="deviations">
      {deviations}
    </span>,
    <svg key="others" class="others" width="160" height="16" aria-hidden="true">
      {all.map((value, i) => (
        <line key={i} x1={x(value)} x2={x(value)} y1="3" y2="13" />
      ))}
      <circle cx={x(own)} cy="8" r="4.5" />
    </svg>,
    all.length === 1 ? "–" : `${rank} of ${all.length}`,
  ];
}

/** The modules in which the client lies farthest outside, in the words of the terminal. */
function Modules({ client: { modules } }: ShownInRound) {
  return (
    <p>
      Farthest in{" "}
      {modules.map(({ module, ratio }, i) => (
        <span key={module} data-module={module}>
          {i > 0 && ", "}
          <code>{module}</code> (<span data-value="ratio">{ratio.toLocaleString("en-US")}</span> ×
          {i === 0 && " the usual distance"})
        </span>
      ))}
      .
    </p>
  );
}

/** Says that the page has no evidence of the round, and which earlier one has it. */
function MissingEvidence({ data, at }: ShownClient) {
  const earlier = data.rounds.slice(0, at + 1).findLast(({ evidence = [] }) => evidence.length > 0);
  if (data.kinds.length === 0 || !earlier || earlier === data.rounds[at]) return null;
  return (
    <p class="note">
      The evidence of this round was left out to keep the page small; round {earlier.round} has it.
    </p>
  );
}

function Neighbours({ data, client, clients, onSelect }: ShownInRound) {
  const neighbours = findNeighbours(clients, client, maxNeighbours);
  if (neighbours.length === 0) return null;
  const by =
    client.evidence.length === 0
      ? "score over threshold of this round"
      : "evidence of this round, with the distance in deviations";
  return (
    <>
      <p>Nearest in its {by}:</p>
      <ul class="neighbours">
        {neighbours.map(({ client: { index, verdict }, distance }) => (
          <li key={index}>
            <button
              type="button"
              onClick={() => {
                onSelect(index);
              }}
            >
              {data.names[index]}
            </button>{" "}
            {distance.toFixed(2)}, {data.truths[index] ?? "benign"}, {verdict}
          </li>
        ))}
      </ul>
    </>
  );
}

/** The client's scores over their thresholds, by round. */
function History({ data, at, index, onRound }: ShownClient) {
  const { ref, width } = useWidth();
  const points = data.rounds.flatMap((_, place) => {
    const ratio = ratioAt(data, place, index);
    return Number.isNaN(ratio) ? [] : [{ place, ratio }];
  });
  if (points.length === 0 || data.total < 2) return null;
  const height = 110;
  const most = Math.max(1.25, ...points.map(({ ratio }) => ratio)) * 1.08;
  const x = (place: number) => 8 + ((width - 16) * place) / Math.max(1, data.rounds.length - 1);
  const y = (ratio: number) => height - 6 - ((height - 12) * ratio) / most;
  return (
    <div class="strip score" ref={ref}>
      <p class="note">Score over threshold by round; dashed: the threshold. A click goes there.</p>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label="Score over threshold by round; the slider above chooses a round"
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const share = (event.clientX - box.left - 8) / (width - 16);
          const place = Math.round(share * (data.rounds.length - 1));
          onRound(Math.max(0, Math.min(data.rounds.length - 1, place)));
        }}
      >
        <line class="limit" x1="0" x2={width} y1={y(1)} y2={y(1)} />
        <polyline
          points={points
            .map(({ place, ratio }) => `${x(place).toFixed(1)},${y(ratio).toFixed(1)}`)
            .join(" ")}
        />
        {points
          .filter(({ place }) => place === at || points.length <= maxPoints)
          .map(({ place, ratio }) => (
            <circle
              key={place}
              class={`${ratio > 1 ? "flagged" : ""} ${place === at ? "chosen" : ""}`}
              cx={x(place)}
              cy={y(ratio)}
              r={place === at ? 5 : 3}
            />
          ))}
      </svg>
    </div>
  );
}

/** What else is known about the round, beside the round before. */
function Measured({ data, at }: ShownClient) {
  const { round, facts = [] } = data.rounds[at] ?? {};
  if (facts.length === 0) return null;
  const before = data.rounds[at - 1];
  const earlier = new Map(before?.facts);
  return (
    <PageTable
      caption="What the client measured"
      heads={["measured", `round ${round ?? 0}`, before ? `round ${before.round}` : "before"]}
      rows={facts.map(([name, value]) => [name, value, earlier.get(name) ?? "–"])}
      numbers={[1, 2]}
    />
  );
}

/** The id of a client, which its name begins with. */
export function idOf({ names }: RoundsData, index: number): string {
  return (names[index] ?? "").split(" ")[0] ?? "";
}

/** The command that computes what the result is without a client. @param run name of its folder */
export function ReplayCommand({
  run,
  id,
  from,
  isReport = false,
}: {
  readonly run: string;
  readonly id: string;
  readonly from: number;
  readonly isReport?: boolean;
}) {
  return (
    <p class="note">
      What would the result be without it from this round on? In the folder of the run,{" "}
      <Command text={`fedclair replay ../${run} --without ${id} --from ${from}`} /> computes it
      {isReport && "; then write the report again"}.
    </p>
  );
}

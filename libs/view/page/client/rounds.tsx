import { useSignal } from "@preact/signals";
import type { ComponentProps } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { RoundsData } from "../../src/data/rounds.js";
import { clientsOf, overRounds, type ClientInRound } from "../data/read-rounds.js";
import { flagsClient } from "../data/verdicts.js";
import { PageNotice, formatRatio } from "../parts/index.js";
import { palette } from "../parts/theme.js";
import { ClientView, idOf } from "./client-view.js";
import { Curves } from "./curves.js";
import { RoundControl } from "./round-control.js";
import { ScoreStrip } from "./score-strip.js";
import { createFrame } from "./strip-frame.js";

/** Clients in the list beside the strip; the others are found by their name. */
const maxListed = 12;

/** Clients named in a sentence. */
const maxNamed = 8;

/** The client and the round that the address names, as in `#client-c07-round-3`. */
function readAddress({ rounds }: RoundsData) {
  const [, client, round] = /^#client-c(\d+)(?:-round-(\d+))?$/.exec(location.hash) ?? [];
  if (client === undefined) return undefined;
  const place = rounds.findIndex((one) => String(one.round) === round);
  return { client: Number(client), place: place < 0 ? undefined : place };
}

/**
 * A slider over rounds that can be played, the clients of the round beside the curve of the metric,
 * and everything about one of them.
 * @param isReport whether the page is a report; its address names the client and the round
 * @param curves the curves to show in place of the main arm's
 */
export function Rounds({
  data,
  isReport = false,
  curves,
}: {
  readonly data: RoundsData;
  readonly curves?: Omit<ComponentProps<typeof Curves>, "at"> | undefined;
  readonly isReport?: boolean;
}) {
  const at = useSignal<number | undefined>(undefined);
  const selected = useSignal<number | undefined>(undefined);
  const search = useSignal("");
  const view = useRef<HTMLDivElement>(null);
  const place = at.value ?? data.rounds.length - 1;
  const clients = clientsOf(data, place);
  const { strip, curve } = useMemo(() => frameOf(data), [data]);
  const shownCurves = curves ?? curve;
  useEffect(() => {
    if (!isReport) return undefined;
    const open = () => {
      const wanted = readAddress(data);
      if (!wanted) return;
      selected.value = wanted.client;
      at.value = wanted.place;
      // The view of the client is there after the next frame.
      requestAnimationFrame(() => view.current?.scrollIntoView());
    };
    open();
    addEventListener("hashchange", open);
    return () => {
      removeEventListener("hashchange", open);
    };
  }, [data, isReport]);
  const choose = (index: number | undefined, next: number) => {
    selected.value = index;
    at.value = next;
    if (index === undefined || !isReport) return;
    const round = data.rounds[next]?.round ?? 0;
    history.replaceState(null, "", `#client-${idOf(data, index)}-round-${round}`);
  };
  const onSelect = (index: number) => {
    choose(index, place);
  };
  const onRound = (next: number) => {
    choose(selected.value, next);
  };
  const name = (index: number) => data.names[index] ?? String(index);
  return (
    <>
      <h2 id="rounds-title">Round by round</h2>
      <p class="note">
        Play the rounds of {data.arm}, and choose a client to see its evidence beside that of the
        others.{sampleNote(data)}
      </p>
      <RoundControl
        rounds={data.rounds.map(({ round }) => round)}
        total={data.total}
        at={place}
        onRound={onRound}
      />
      <p role="status">{describeRound(data, clients, name)}</p>
      <div class="beside">
        <ScoreStrip frame={strip} clients={clients} selected={selected.value} onSelect={onSelect} />
        {shownCurves && <Curves {...shownCurves} at={data.rounds[place]?.round} />}
      </div>
      <div class="chooser">
        <label class="filter">
          Find a client{" "}
          <input
            type="search"
            value={search.value}
            onInput={(event) => (search.value = event.currentTarget.value)}
          />
        </label>
        <ul aria-label="Clients, the highest score over threshold first">
          {listClients(clients, name, search.value).map(({ index, verdict, ratio }) => (
            <li key={index}>
              <button
                type="button"
                aria-pressed={index === selected.value}
                onClick={() => {
                  onSelect(index);
                }}
              >
                {name(index)}
              </button>{" "}
              {verdict}
              {!Number.isNaN(ratio) && `, ${formatRatio(ratio)}`}
            </li>
          ))}
        </ul>
      </div>
      <div ref={view}>
        {selected.value !== undefined &&
          (selected.value in data.names ? (
            <ClientView
              data={data}
              at={place}
              index={selected.value}
              clients={clients}
              isReport={isReport}
              onRound={onRound}
              onSelect={onSelect}
            />
          ) : (
            <PageNotice>There is no client c{selected.value} in these rounds.</PageNotice>
          ))}
      </div>
    </>
  );
}

/** What does not change from round to round: the axes of the strip, and the curve beside it. */
function frameOf(data: RoundsData) {
  const { metric = "" } = data;
  const { clients, ratios, means } = overRounds(data);
  const [colour = ""] = palette().arms;
  const points = means.map(({ mean, ...one }) => ({ ...one, mean, low: mean, high: mean }));
  return {
    strip: createFrame(data, clients, ratios),
    curve:
      points.length < 2
        ? undefined
        : {
            label: `Mean ${metric} by round of the clients not known to be contaminated`,
            better: undefined,
            curves: [{ label: metric, colour, dash: "", points, hasBand: false }],
          },
  };
}

function sampleNote({ rounds, total, clientSpacing, kinds }: RoundsData): string {
  const withEvidence = rounds.filter(({ evidence = [] }) => evidence.length > 0).length;
  const parts = [
    ...(rounds.length < total ? [`${rounds.length} of ${total} rounds`] : []),
    ...(kinds.length > 0 && withEvidence < rounds.length
      ? [`the evidence of ${withEvidence} rounds`]
      : []),
    ...(clientSpacing > 1 ? [`one in ${clientSpacing} clients`] : []),
  ];
  return parts.length === 0 ? "" : ` To keep the page small, it has ${parts.join(" and ")}.`;
}

function describeRound(
  data: RoundsData,
  clients: readonly ClientInRound[],
  name: (index: number) => string,
): string {
  const list = (some: readonly ClientInRound[]) => {
    const names = some.slice(0, maxNamed).map(({ index }) => name(index));
    const more = some.length > maxNamed ? [`${some.length - maxNamed} more`] : [];
    return names.length === 0 ? "" : ` (${[...names, ...more].join(", ")})`;
  };
  const flagged = clients.filter(({ verdict }) => flagsClient(verdict));
  const counts = ["benign", "undecided", "inactive", "failed", "not judged"].flatMap((verdict) => {
    const some = clients.filter((client) => client.verdict === verdict);
    if (some.length === 0) return [];
    return [`${some.length} ${verdict}${verdict === "benign" ? "" : list(some)}`];
  });
  const missed = clients.filter(
    ({ index, verdict }) => verdict === "benign" && (data.truths[index] ?? "unknown") !== "unknown",
  );
  return [
    `${flagged.length} flagged${list(flagged)}`,
    ...counts,
    ...(missed.length === 0 ? [] : [`missed: ${missed.length}${list(missed)}`]),
  ].join("; ");
}

/** The clients to list: those whose name has the searched text, the most suspicious first. */
function listClients(
  clients: readonly ClientInRound[],
  name: (index: number) => string,
  searched: string,
): ClientInRound[] {
  const wanted = searched.trim().toLowerCase();
  const rank = ({ ratio }: ClientInRound) => (Number.isNaN(ratio) ? -1 : ratio);
  return clients
    .filter(({ index }) => name(index).toLowerCase().includes(wanted))
    .sort(
      (a, b) =>
        Number(flagsClient(b.verdict)) - Number(flagsClient(a.verdict)) || rank(b) - rank(a),
    )
    .slice(0, maxListed);
}

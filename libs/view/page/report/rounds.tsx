import { signal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { RoundsData } from "../../src/data/rounds.js";
import { ClientView } from "../client/client-view.js";
import { clientsOf, unpackRounds, type ClientInRound } from "../data/read-rounds.js";
import { flagsClient } from "../data/verdicts.js";
import { PageNotice, formatRatio } from "../parts/index.js";
import { ScoreStrip } from "./score-strip.js";

/** Clients in the list beside the strip; the others are found by their name. */
const maxListed = 12;

/** Clients named in a sentence. */
const maxNamed = 8;

/** Shows the rounds of the run in their place on the page, if it has them. */
export async function showRounds(): Promise<void> {
  const place = document.getElementById("rounds");
  const data = await unpackRounds();
  if (!place || !data) return;
  readAddress(data);
  addEventListener("hashchange", () => {
    readAddress(data);
  });
  render(<Rounds data={data} />, place);
}

const at = signal<number | undefined>(undefined);
const selected = signal<number | undefined>(undefined);
/** Is the address that of a client, so that the reader is to be led to it? */
const isLinked = signal(false);

/** Opens the client and the round that the address names, as in `#client-c07-round-3`. */
function readAddress({ rounds }: RoundsData): void {
  const [, client, round] = /^#client-c(\d+)(?:-round-(\d+))?$/.exec(location.hash) ?? [];
  if (client === undefined) return;
  selected.value = Number(client);
  const place = rounds.findIndex((one) => String(one.round) === round);
  at.value = place < 0 ? undefined : place;
  isLinked.value = true;
}

/** Chooses a client and a round, and notes both in the address. */
function choose(index: number | undefined, place: number, { names, rounds }: RoundsData): void {
  selected.value = index;
  at.value = place;
  if (index === undefined) return;
  const [id = ""] = (names[index] ?? "").split(" ");
  history.replaceState(null, "", `#client-${id}-round-${rounds[place]?.round ?? 0}`);
}
const search = signal("");

/** A slider over rounds, the clients of the round, and everything about one of them. */
function Rounds({ data }: { readonly data: RoundsData }) {
  const last = data.rounds.length - 1;
  const place = at.value ?? last;
  const round = data.rounds[place]?.round ?? 0;
  const clients = clientsOf(data, place);
  const onSelect = (index: number) => {
    choose(index, place, data);
  };
  const view = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isLinked.value) view.current?.scrollIntoView();
    isLinked.value = false;
  }, [isLinked.value]);
  const name = (index: number) => data.names[index] ?? String(index);
  return (
    <>
      <h2 id="rounds-title">Round by round</h2>
      <p class="note">
        Move through the rounds of {data.arm}, and choose a client to see its evidence beside that
        of the others.{sampleNote(data)}
      </p>
      <label class="slider">
        Round {round} of {data.total}
        <input
          type="range"
          min={0}
          max={last}
          value={place}
          aria-valuetext={`round ${round}`}
          onInput={(event) => {
            choose(selected.value, Number(event.currentTarget.value), data);
          }}
        />
      </label>
      <p role="status">{describeRound(data, clients, name)}</p>
      <ScoreStrip data={data} clients={clients} selected={selected.value} onSelect={onSelect} />
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
          {listClients(clients, name).map(({ index, verdict, ratio }) => (
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
              onRound={(next) => {
                choose(selected.value, next, data);
              }}
              onSelect={onSelect}
            />
          ) : (
            <PageNotice>There is no client c{selected.value} in these rounds.</PageNotice>
          ))}
      </div>
    </>
  );
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
): ClientInRound[] {
  const wanted = search.value.trim().toLowerCase();
  const rank = ({ ratio }: ClientInRound) => (Number.isNaN(ratio) ? -1 : ratio);
  return clients
    .filter(({ index }) => name(index).toLowerCase().includes(wanted))
    .sort(
      (a, b) =>
        Number(flagsClient(b.verdict)) - Number(flagsClient(a.verdict)) || rank(b) - rank(a),
    )
    .slice(0, maxListed);
}

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RunState } from "../../src/data/protocol.js";
import type { RoundsData } from "../../src/data/rounds.js";
import { ClientView } from "../client/client-view.js";
import { clientsOf } from "../data/read-rounds.js";
import { clientId } from "../data/run-data.js";
import { flagsClient, verdictOf } from "../data/verdicts.js";
import { Facts, PageNotice, formatAgo } from "../parts/index.js";
import type { FollowedRun } from "./connection.js";
import { hostOf } from "./host-of.js";
import { load } from "./load.js";

/** Time for which a slider must rest before the other clients of its round are read, in ms. */
const restingTime = 150;

/** Everything that the records have about one client, in a dialog. */
export function ClientPanel({
  followed,
  run,
  client,
  onClose,
  onSelect,
}: {
  readonly followed: FollowedRun;
  readonly run: RunState;
  readonly client: number;
  readonly onClose: () => void;
  readonly onSelect: (client: number) => void;
}) {
  const id = clientId(client, run.clients);
  const history = useSignal<RoundsData | undefined>(undefined);
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
    load<RoundsData>("/api/client", { run: run.path, client: id }, ending.signal).then(
      (found) => {
        history.value = found;
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
  return (
    <div class="panel" role="dialog" aria-label={`Client ${id}`}>
      <div class="section-head">
        <h2>Client {id}</h2>
        <button ref={close} onClick={onClose} aria-label="Close">
          ✕
        </button>
      </div>
      {fault.value !== undefined && <PageNotice isUrgent>{fault.value}</PageNotice>}
      <HostLine followed={followed} id={id} />
      {history.value === undefined ? (
        fault.value === undefined && <p class="note">Reading its records…</p>
      ) : (
        <Rounds path={run.path} history={history.value} client={client} onSelect={onSelect} />
      )}
    </div>
  );
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

/** The client in a round that the reader chooses, beside the other clients of that round. */
function Rounds({
  path,
  history,
  client,
  onSelect,
}: {
  readonly path: string;
  readonly history: RoundsData;
  readonly client: number;
  readonly onSelect: (client: number) => void;
}) {
  const chosen = useSignal<number | undefined>(undefined);
  const others = useSignal<RoundsData | undefined>(undefined);
  const { rounds } = history;
  const last = rounds.length - 1;
  const found = rounds.findIndex(({ round }) => round === chosen.value);
  const at = found < 0 ? last : found;
  const round = rounds[at]?.round;
  useEffect(() => {
    if (round === undefined) return;
    const ending = new AbortController();
    const timer = setTimeout(() => {
      load<RoundsData>("/api/round", { run: path, round: String(round) }, ending.signal).then(
        (read) => (others.value = read),
        () => undefined, // the client's own rounds are there without the others
      );
    }, restingTime);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [round]);
  if (round === undefined) return <p>It was in no round of {history.arm} so far.</p>;
  const own = clientsOf(history, at);
  const all = others.value?.rounds[0]?.round === round ? clientsOf(others.value, 0) : [];
  const names = { ...others.value?.names, ...history.names };
  const truths = { ...others.value?.truths, ...history.truths };
  const flagged = rounds.filter(({ verdicts }) => flagsClient(verdictOf(verdicts.charCodeAt(0))));
  const choose = (place: number) => (chosen.value = rounds[place]?.round);
  return (
    <>
      <Facts
        facts={[
          ["rounds", String(rounds.length)],
          ["flagged in", String(flagged.length)],
        ]}
      />
      <label class="slider">
        Round {round}
        <input
          type="range"
          min={0}
          max={last}
          value={at}
          onInput={(event) => {
            choose(Number(event.currentTarget.value));
          }}
        />
      </label>
      <ClientView
        data={{ ...history, names, truths }}
        at={at}
        index={client}
        clients={all.some(({ index }) => index === client) ? all : own}
        onRound={choose}
        onSelect={onSelect}
      />
    </>
  );
}

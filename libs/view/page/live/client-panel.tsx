import { useEffect, useRef } from "preact/hooks";
import type { RoundsData } from "../../src/data/rounds.js";
import { ClientView } from "../client/client-view.js";
import { RoundControl } from "../client/round-control.js";
import { clientsOf } from "../data/read-rounds.js";
import { clientId, clientIndex } from "../data/run-data.js";
import { flagsClient, verdictOf } from "../data/verdicts.js";
import { Facts, PageNotice, formatAgo } from "../parts/index.js";
import type { ShownRun } from "./connection.js";
import { hostOf } from "./host-of.js";
import { useAnswer } from "./load.js";
import { WithoutClient } from "./without-client.js";
import { noteChoice, readChoice, clientAddress, openClient } from "./route.js";

/** Time for which a slider must rest before the other clients of its round are read, in ms. */
const restingTime = 150;

/** Everything that the records have about one client, in a dialog. */
export function ClientPanel({ followed, run, id }: ShownRun & { readonly id: string }) {
  const close = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    close.current?.focus();
    const onKey = ({ key }: KeyboardEvent) => {
      if (key === "Escape") openClient(undefined);
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  // Read again when rounds were added.
  const done = run.arms.reduce((sum, arm) => sum + arm.rounds, 0);
  const { answer: history, fault } = useAnswer<RoundsData>(
    "/api/client",
    { run: run.path, client: id },
    done,
  );
  return (
    <div class="panel" role="dialog" aria-label={`Client ${id}`}>
      <div class="section-head">
        <h2>Client {id}</h2>
        <a ref={close} class="close" href={clientAddress(undefined)} aria-label="Close">
          ✕
        </a>
      </div>
      {fault !== undefined && <PageNotice isUrgent>{fault}</PageNotice>}
      <HostLine followed={followed} id={id} />
      {!history && fault === undefined && <p class="note">Reading its records…</p>}
      {history?.rounds.length === 0 && <p>It was in no round of {history.arm} so far.</p>}
      {history && history.rounds.length > 0 && (
        <Rounds followed={followed} run={run} history={history} id={id} />
      )}
    </div>
  );
}

function HostLine({ followed, id }: Pick<ShownRun, "followed"> & { readonly id: string }) {
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
  followed,
  run,
  history,
  id,
}: ShownRun & {
  readonly history: RoundsData;
  readonly id: string;
}) {
  const { path, clients: count } = run;
  const client = clientIndex(id);
  const { rounds } = history;
  const last = rounds.length - 1;
  const wanted = readChoice("round");
  const found = rounds.findIndex(({ round }) => String(round) === wanted);
  const at = found < 0 ? last : found;
  const round = rounds[at]?.round ?? 0;
  // Without the others, the client's own rounds are still there, but its evidence takes less room.
  const { answer: others, fault } = useAnswer<RoundsData>(
    "/api/round",
    { run: path, round: String(round) },
    0,
    restingTime,
  );
  const own = clientsOf(history, at);
  const all = others?.rounds[0]?.round === round ? clientsOf(others, 0) : [];
  const names = { ...others?.names, ...history.names };
  const truths = { ...others?.truths, ...history.truths };
  const flagged = rounds.filter(({ verdicts }) => flagsClient(verdictOf(verdicts.charCodeAt(0))));
  const show = (place: number) => {
    noteChoice("round", rounds[place]?.round.toString());
  };
  return (
    <>
      <Facts
        facts={[
          ["rounds", String(rounds.length)],
          ["flagged in", String(flagged.length)],
        ]}
      />
      <RoundControl
        rounds={rounds.map((one) => one.round)}
        total={history.total}
        at={at}
        onRound={show}
      />
      {wanted !== undefined && found < 0 && (
        <PageNotice>
          It was not in round {wanted} of {history.arm}; this is its last one.
        </PageNotice>
      )}
      {(others ?? fault) !== undefined && (
        <>
          <ClientView
            data={{ ...history, names, truths }}
            at={at}
            index={client}
            clients={all.some(({ index }) => index === client) ? all : own}
            onRound={show}
            onSelect={(index) => {
              openClient(clientId(index, count), round);
            }}
          />
          <WithoutClient followed={followed} run={run} id={id} from={round} folder={history.run} />
        </>
      )}
    </>
  );
}

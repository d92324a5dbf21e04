import { useComputed, type Signal } from "@preact/signals";
import { RoundControl } from "../client/round-control.js";
import { ScoreStrip } from "../client/score-strip.js";
import { createFrame } from "../client/strip-frame.js";
import type { ClientInRound } from "../data/read-rounds.js";
import { clientId, clientIndex } from "../data/run-data.js";
import { verdictOf } from "../data/verdicts.js";
import type { ShownRun } from "./connection.js";
import { openClient, route } from "./route.js";

/** More marks would cover each other; the map shows them all. */
const maxMarks = 1000;

/**
 * The scores of a round of the first method over their thresholds. The rounds can be played.
 * @param round the round that the reader has chosen; undefined: the last one
 */
export function RoundStrip({
  followed,
  run,
  round,
}: ShownRun & { readonly round: Signal<number | undefined> }) {
  const count = run.clients;
  const frame = useComputed(() => {
    const { data } = followed.grown.value;
    const names: Record<number, string> = {};
    const truths: Record<number, string> = {};
    for (const [row, client] of data.clients.entries()) {
      const name = followed.names.value[client];
      names[client] = [clientId(client, count), ...(name === undefined ? [] : [name])].join(" ");
      truths[client] = data.truth(row);
    }
    return createFrame({ names, truths }, data.clients, data.arm(0).ratios);
  });
  const { data } = followed.grown.value;
  const { columns } = data.arm(0);
  if (!run.judges || columns.length < 2 || data.clients.length > maxMarks) return null;
  const place = columns.findIndex((one) => one.round === round.value);
  const at = place < 0 ? columns.length - 1 : place;
  const column = columns[at];
  const clients = data.clients.flatMap((client, row): ClientInRound[] => {
    const verdict = verdictOf(column?.codes[row] ?? 0);
    return verdict === undefined
      ? []
      : [{ ...unread, index: client, verdict, ratio: column?.ratios[row] ?? NaN }];
  });
  const selected = route.value.client;
  return (
    <>
      <RoundControl
        rounds={columns.map((one) => one.round)}
        total={run.rounds}
        at={at}
        onRound={(next) => (round.value = columns[next]?.round)}
      />
      <ScoreStrip
        frame={frame.value}
        clients={clients}
        selected={selected === undefined ? undefined : clientIndex(selected)}
        onSelect={(client) => {
          openClient(clientId(client, count), column?.round);
        }}
      />
    </>
  );
}

/** What the live page knows about a client in a round only when it is opened. */
const unread = {
  score: "–",
  threshold: "–",
  metric: "–",
  reason: "",
  evidence: [],
  modules: [],
} as const;

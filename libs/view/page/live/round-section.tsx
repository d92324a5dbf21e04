import { useComputed, useSignal } from "@preact/signals";
import { Curves } from "../client/curves.js";
import { RoundControl } from "../client/round-control.js";
import { createFrame, ScoreStrip } from "../client/score-strip.js";
import type { ClientInRound } from "../data/read-rounds.js";
import { clientId, clientIndex } from "../data/run-data.js";
import { verdictOf } from "../data/verdicts.js";
import { Section } from "../parts/index.js";
import type { ShownRun } from "./connection.js";
import { curvesOf } from "./overview.js";
import { openClient, route } from "./route.js";

/** More marks would cover each other; the map shows them all. */
const maxMarks = 1000;

/** The rounds of the first method, played one after another: scores beside the curves. */
export function RoundSection({ followed, run }: ShownRun) {
  const chosen = useSignal<number | undefined>(undefined);
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
  const last = columns.length - 1;
  const at = Math.min(chosen.value ?? last, last);
  const column = columns[at];
  const clients = data.clients.flatMap((client, row): ClientInRound[] => {
    const verdict = verdictOf(column?.codes[row] ?? 0);
    return verdict === undefined
      ? []
      : [{ ...unread, index: client, verdict, ratio: column?.ratios[row] ?? NaN }];
  });
  const selected = route.value.client;
  const curves = curvesOf(data, run);
  return (
    <Section id="rounds" title="Round by round">
      <RoundControl
        rounds={columns.map(({ round }) => round)}
        total={run.rounds}
        at={at}
        onRound={(next) => (chosen.value = next)}
      />
      <div class="beside">
        <ScoreStrip
          frame={frame.value}
          clients={clients}
          selected={selected === undefined ? undefined : clientIndex(selected)}
          onSelect={(client) => {
            openClient(clientId(client, count), column?.round);
          }}
        />
        {curves && <Curves {...curves} at={column?.round} />}
      </div>
    </Section>
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

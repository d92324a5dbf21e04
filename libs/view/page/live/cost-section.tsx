import type { RoundCost } from "../../src/data/protocol.js";
import type { ShownRun } from "./connection.js";
import { Section, PageTable, formatBytes, formatSeconds } from "../parts/index.js";

const phases = ["train", "aggregate", "evaluate", "write"] as const;

/** What a run took: seconds by phase, traffic and memory. */
export function CostSection({ followed, run }: ShownRun) {
  const { times, arms } = followed.grown.value.data;
  const rows = run.arms.map(({ label }, a) => {
    const own = sumTimes(times, a);
    const { down = 0, up = 0 } = arms[a] ?? {};
    const total = phases.reduce((sum, phase) => sum + own[phase], 0);
    return [
      label,
      formatSeconds(total),
      <Shares key="shares" seconds={own} total={total} />,
      ...phases.map((phase) => formatSeconds(own[phase])),
      formatBytes(down),
      formatBytes(up),
    ];
  });
  const last = times.at(-1);
  const traffic =
    last?.sent === undefined
      ? ""
      : ` Over the sockets, with everything: ${formatBytes(last.sent)} sent, ${formatBytes(last.received ?? 0)} received.`;
  return (
    <Section id="cost" title="Cost">
      {last === undefined ? (
        <p class="note">No round has ended yet.</p>
      ) : (
        <>
          <PageTable
            caption="Seconds by phase and traffic of each method"
            heads={[
              "method",
              "time",
              <span key="key" class="unseen">
                shares of the phases
              </span>,
              ...phases,
              "sent",
              "received",
            ]}
            rows={rows}
            numbers={[1, 3, 4, 5, 6, 7, 8]}
          />
          <p class="note">
            Sent and received are the tensors of training. The coordinator used at most{" "}
            {formatBytes(last.memory)} of memory.{traffic}
          </p>
        </>
      )}
    </Section>
  );
}

type Seconds = Pick<RoundCost, (typeof phases)[number]>;

/** Adds up the times of an arm. */
function sumTimes(times: readonly RoundCost[], arm: number): Seconds {
  const sum = { train: 0, aggregate: 0, evaluate: 0, write: 0 };
  for (const time of times) {
    if (time.a === arm) for (const phase of phases) sum[phase] += time[phase];
  }
  return sum;
}

/** A bar that is divided among the phases. */
function Shares({ seconds, total }: { readonly seconds: Seconds; readonly total: number }) {
  if (total === 0) return null;
  let x = 0;
  return (
    <svg class="shares" width="140" height="10" aria-hidden="true">
      {phases.map((phase, i) => {
        const width = (140 * seconds[phase]) / total;
        const from = x;
        x += width;
        return <rect key={phase} class={`phase${i}`} x={from} y="1" width={width} height="8" />;
      })}
    </svg>
  );
}

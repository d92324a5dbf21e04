import { signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { ReplayOffer } from "../../src/data/protocol.js";
import { compareAddress } from "../../src/data/routes.js";
import { ReplayCommand } from "../client/client-view.js";
import { Curves } from "../client/curves.js";
import { PageNotice, formatValue } from "../parts/index.js";
import { curveDashes, palette } from "../parts/theme.js";
import { FollowedRun, type ShownRun } from "./connection.js";
import { faultText, load, useAnswer } from "./load.js";

/** The token that starts replays, until the page is closed. */
const token = signal("");

type Replay = ReplayOffer["replays"][number];

/** What the result is without a client: curves of its replays, and a button that starts one. */
export function WithoutClient({
  from,
  folder,
  ...shown
}: ShownRun & {
  readonly id: string;
  /** The first round without it. */
  readonly from: number;
  /** The name of the run's folder. */
  readonly folder: string;
}) {
  const { run, id } = shown;
  const started = useSignal(0);
  const fault = useSignal<string | undefined>(undefined);
  const isRunning = useSignal(false);
  const query = { run: run.path, client: id };
  const { answer } = useAnswer<ReplayOffer>("/api/replay", query, started.value);
  if (!answer || run.status !== "done") return null;
  const { canStart, replays } = answer;
  const start = async (event: Event) => {
    event.preventDefault();
    fault.value = undefined;
    isRunning.value = true;
    const lookAgain = setInterval(() => started.value++, 1000);
    try {
      const headers = { authorization: `Bearer ${token.value}` };
      await load("/api/replay", { ...query, from: String(from) }, { method: "POST", headers });
    } catch (error) {
      fault.value = faultText(error);
    }
    clearInterval(lookAgain);
    isRunning.value = false;
    started.value++;
  };
  const replay = replays.find((one) => one.from === from) ?? replays[0];
  return (
    <div class="client">
      <h3>Without {id}</h3>
      {replay && <ReplayCurves key={replay.path} {...shown} replay={replay} />}
      {replay?.from !== from && !canStart && <ReplayCommand run={folder} id={id} from={from} />}
      {canStart && (
        <form class="controls" onSubmit={(event) => void start(event)}>
          <label>
            token for replays
            <input
              type="password"
              autocomplete="off"
              required
              value={token}
              onInput={({ currentTarget }) => (token.value = currentTarget.value)}
            />
          </label>
          <button type="submit" disabled={isRunning.value}>
            {isRunning.value ? "Running…" : `Leave it out from round ${from} on`}
          </button>
        </form>
      )}
      {fault.value !== undefined && <PageNotice isUrgent>{fault.value}</PageNotice>}
    </div>
  );
}

/** The curves of the main arm with and without the client, which grow while the replay runs. */
function ReplayCurves({
  followed,
  run,
  id,
  replay: { path, from },
}: ShownRun & { readonly id: string; readonly replay: Replay }) {
  const other = useMemo(() => new FollowedRun(path), [path]);
  useEffect(
    () => () => {
      other.close();
    },
    [other],
  );
  const { arms } = palette();
  const { metric } = run;
  const sources = [
    [`with ${id}`, followed.grown.value.data],
    [`without ${id}`, other.grown.value.data],
  ] as const;
  const curves = sources.map(([label, data], i) => ({
    label,
    colour: arms[i] ?? "",
    dash: curveDashes[i] ?? "",
    points: data.arm(0).measured,
    hasBand: false,
  }));
  const state = other.run.value;
  const round = curves[1]?.points.at(-1)?.round ?? from;
  const [withIt = "", without = ""] = curves.map(({ points }) => {
    const { mean, count = 0 } = points.find((one) => one.round === round) ?? {};
    return `${formatValue(mean)}${metric?.isGlobal ? "" : ` (mean of ${count})`}`;
  });
  return (
    <>
      {metric && (
        <>
          <p>
            Without it from round {from} on, {metric.name} of {run.arms[0]?.label} after round{" "}
            {round} is {without} instead of {withIt}.{" "}
            <a href={compareAddress([run.path, path])}>Compare the two runs</a>
          </p>
          <Curves
            curves={curves}
            label={`${metric.name} with and without ${id}`}
            better={metric.better}
          />
        </>
      )}
      {state && state.status !== "done" && <p class="note">The replay is {state.status}.</p>}
      {state?.why !== undefined && <PageNotice isUrgent>{state.why}</PageNotice>}
    </>
  );
}

import {
  Facts,
  PageNotice,
  Section,
  PageTable,
  countLabel,
  formatBytes,
  formatSeconds,
  formatValue,
} from "@fedclair/view/parts";
import { Curves, curveDashes } from "@fedclair/view/browser";
import { oneLine, printableLines } from "@fedclair/core/text";
import type { ErrorCode } from "@fedclair/core/internal";
import type { ChosenFile, ReadData } from "@fedclair/plugins/browser";
import { useEffect, useRef } from "preact/hooks";
import { countImages, listSelected, nameFiles } from "./chosen-files.js";
import type { Outcome, Work } from "./messages.js";
import { phoneCode } from "./phone-code.js";
import type { Stage, Tab } from "./tab.js";

export function App({ tab }: { readonly tab: Tab }) {
  const stage = tab.stage.value;
  return (
    <>
      <header class="top">
        <span class="home">fedclair</span>
        <h1 class="crumb">Train in this tab</h1>
        <span class={`status ${isFault(stage) ? "failed" : marks[stage.name]}`} role="status">
          {stageTexts[stage.name]}
        </span>
      </header>
      <main>
        {stage.name === "form" || stage.name === "ended" ? (
          <Start tab={tab} stage={stage} />
        ) : (
          <Host tab={tab} stage={stage} />
        )}
      </main>
    </>
  );
}

/** A few words for each stage. */
export const stageTexts: Readonly<Record<Stage["name"], string>> = {
  form: "not joined",
  joining: "joining",
  joined: "joined",
  lost: "connection lost",
  ended: "ended",
};

/** The classes of the marks before these texts, whose shapes differ. */
const marks: Readonly<Record<Stage["name"], string>> = {
  form: "waiting",
  joining: "waiting",
  joined: "running",
  lost: "failed",
  ended: "done",
};

/** Has the tab ended otherwise than by the end of the trial or by its user? */
function isFault(stage: Stage): boolean {
  return stage.name === "ended" && stage.outcome !== "over" && stage.outcome !== "left";
}

function Start({ tab, stage }: { readonly tab: Tab; readonly stage: Stage }) {
  const { entries } = tab;
  const files = tab.files.value;
  const trial = tab.invitation.value;
  const join = (event: Event) => {
    event.preventDefault();
    tab.join();
  };
  return (
    <Section
      id="join"
      title={`Join ${oneLine(trial?.name ?? "the trial")}${stage.name === "ended" ? " again" : ""}`}
    >
      {stage.name === "ended" && <Ending tab={tab} stage={stage} />}
      <p>
        This tab can train clients of the trial that this coordinator runs. It needs a part of your
        processor, and nothing else of your machine. You can leave at any time.
      </p>
      <div class="invitation">
        {trial && (
          <>
            <p class="claim">{printableLines(trial.claim ?? "")}</p>
            <Facts
              facts={[
                ["task", trial.task.name],
                ["rounds", String(trial.rounds)],
                ["clients", trial.clients.toLocaleString("en-GB")],
              ]}
            />
          </>
        )}
      </div>
      <form onSubmit={join}>
        <div class="controls">
          <label>
            Token, if the coordinator requires one
            <input
              name="token"
              type="password"
              autocomplete="off"
              defaultValue={entries.token}
              onInput={({ currentTarget }) => {
                entries.token = currentTarget.value.trim();
              }}
            />
          </label>
          {files.length === 0 && (
            <label>
              Clients to train here
              <input
                name="clients"
                type="number"
                min={1}
                max={1_000_000}
                required
                defaultValue={String(entries.capacity ?? tab.usualCapacity)}
                onInput={({ currentTarget }) => {
                  entries.capacity = currentTarget.valueAsNumber;
                }}
              />
            </label>
          )}
        </div>
        {files.length > 0 ? <Chosen tab={tab} files={files} /> : <Choice tab={tab} />}
        <p class="controls">
          <button type="submit" class="main">
            Join
          </button>
        </p>
      </form>
      <Phone />
      <Privacy />
    </Section>
  );
}

/** The address of this page, for the camera of a phone. */
function Phone() {
  const code = phoneCode(location.href);
  if (!code) return null;
  return (
    <details class="phone">
      <summary>Join with a phone as well</summary>
      <svg viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label="QR code of this page">
        <path d={code.path} />
      </svg>
      <p>
        The code opens <b>{code.address}</b>. It does not contain a token.
      </p>
    </details>
  );
}

/** Lets people choose data of their own. */
function Choice({ tab }: { readonly tab: Tab }) {
  const problem = tab.fileProblem.value;
  const choose = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }) => {
    void tab.choose(listSelected(currentTarget.files));
  };
  return (
    <fieldset class="data drop">
      <legend>Your own data, if you have some</legend>
      <p>
        Drop them on this page, or choose them: a table (.csv, .tsv), texts (.txt), or a folder with
        .png images in one folder per class. {staysHere}
      </p>
      {problem !== "" && (
        <PageNotice isUrgent>These files cannot be chosen. {sentence(problem)}</PageNotice>
      )}
      <div class="choices">
        <label class="button">
          Choose a file
          <input
            class="unseen"
            name="file"
            type="file"
            multiple
            accept=".csv,.tsv,.txt"
            onChange={choose}
          />
        </label>
        {"webkitdirectory" in HTMLInputElement.prototype && (
          <label class="button">
            Choose a folder
            <input
              class="unseen"
              name="folder"
              type="file"
              ref={(input) => {
                if (input) input.webkitdirectory = true;
              }}
              onChange={choose}
            />
          </label>
        )}
      </div>
    </fieldset>
  );
}

const staysHere = "Your data stay in this tab: only updates of the model leave it.";

/** Says what becomes of the chosen files. */
function Chosen({ tab, files }: { readonly tab: Tab; readonly files: readonly ChosenFile[] }) {
  const folders = countImages(files);
  const own = tab.own.value;
  const [heads = [], ...rows] = tab.preview.value;
  const problem = tab.fileProblem.value;
  const bytes = files.reduce((sum, { content }) => sum + content.size, 0);
  return (
    <fieldset class="data">
      <legend>Your own data</legend>
      <p role="status">
        <b>{nameFiles(files)}</b>, {formatBytes(bytes)}. This tab will be one client, which trains
        on all of it. {staysHere}
      </p>
      {problem !== "" && (
        <PageNotice isUrgent>
          This tab cannot train on your data. {sentence(problem, files)}
        </PageNotice>
      )}
      {own ? <Read own={own} /> : <Counts counts={folders} noun="folder" />}
      {heads.length > 0 && (
        <PageTable caption={`The first rows of ${nameFiles(files)}`} heads={heads} rows={rows} />
      )}
      <button
        type="button"
        onClick={() => {
          tab.removeFiles();
        }}
      >
        Remove
      </button>
    </fieldset>
  );
}

/** The most names that are listed with their counts. */
const listedNames = 24;

/** Lists names with a bar each, as long as their count. */
function Counts({
  counts,
  noun,
}: {
  readonly counts: NonNullable<ReadData["classes"]>;
  readonly noun: "class" | "folder";
}) {
  if (counts.length === 0) return null;
  const largest = Math.max(...counts.map(({ count }) => count));
  const more = counts.length - listedNames;
  return (
    <>
      <ul class="counts" aria-label={`Images of each ${noun}`}>
        {counts.slice(0, listedNames).map(({ name, count }) => (
          <li key={name}>
            <span class="name">{name}</span>
            <span class="track" aria-hidden="true">
              <span style={{ width: `${(100 * count) / largest}%` }} />
            </span>
            <span>{count.toLocaleString("en-GB")}</span>
          </li>
        ))}
      </ul>
      {more > 0 && (
        <p class="note">
          And {more} more {noun === "class" ? "classes" : "folders"}.
        </p>
      )}
    </>
  );
}

/** Says why this tab does not take part any more, and what can be done. */
function Ending({
  tab,
  stage,
}: {
  readonly tab: Tab;
  readonly stage: Extract<Stage, { readonly name: "ended" }>;
}) {
  const { outcome, reason, code } = stage;
  const { jobs, updates, seconds } = tab.totals.value;
  const isUrgent = isFault(stage);
  const own = tab.own.value;
  const hint = (code && codeAdvice[code]) ?? advice[outcome];
  return (
    <>
      <PageNotice isUrgent={isUrgent}>
        <b>{outcomes[outcome]}</b> {isUrgent ? `${sentence(reason, tab.files.value)} ` : ""}
        {hint}
      </PageNotice>
      {jobs > 0 && (
        <p class="note">
          You contributed {countLabel(updates, "update")}, with {countLabel(jobs, "job")} in{" "}
          {formatSeconds(seconds)} and {formatBytes(tab.traffic.value.bytesSent)} sent.
        </p>
      )}
      <OwnCurves tab={tab} />
      {own && jobs > 0 && <Own own={own} />}
    </>
  );
}

const outcomes: Readonly<Record<Outcome, string>> = {
  over: "The trial is over.",
  left: "You have left the trial.",
  refused: "The coordinator refused this tab.",
  dismissed: "The coordinator has ended the work of this tab.",
  unfit: "This tab cannot take part in this trial.",
  unusable: "This tab cannot train on your data.",
  unreachable: "The coordinator cannot be reached.",
  failed: "This tab had to stop.",
};

const advice: Readonly<Partial<Record<Outcome, string>>> = {
  over: "You can close this tab.",
  left: "The coordinator gives its clients to other hosts.",
  failed: "The coordinator gives its clients to other hosts.",
  unusable: "Your data have not left this tab.",
};

/** What to do about a refusal, in the words of this page. */
const codeAdvice: Readonly<Partial<Record<ErrorCode, string>>> = {
  BAD_TOKEN: "Correct the token below, and join again.",
  PROTOCOL_VERSION: "Reload this page.",
  PLUGIN_MISMATCH: "A browser tab cannot load plug-ins: this trial needs other hosts.",
  BACKEND_MISMATCH: "A browser tab computes with wasm only: this trial needs other hosts.",
};

/**
 * Makes a sentence of a reason: a full stop, and a capital letter unless it begins with the name of
 * a file or a folder of the user's.
 */
function sentence(text: string, files: readonly ChosenFile[] = []): string {
  const end = /[.!?]$/.test(text) ? "" : ".";
  const isName = files.some(({ path }) =>
    path.split("/").some((name) => text.startsWith(oneLine(name))),
  );
  const first = text.charAt(0);
  return `${isName ? first : first.toUpperCase()}${text.slice(1)}${end}`;
}

function Host({ tab, stage }: { readonly tab: Tab; readonly stage: Stage }) {
  const trial = tab.trial.value;
  const own = tab.own.value;
  const { bytesSent, bytesReceived } = tab.traffic.value;
  const { jobs, updates, seconds } = tab.totals.value;
  const round = tab.work.value?.round ?? tab.rounds.value[0]?.round;
  const button = useRef<HTMLButtonElement>(null);
  // The button that was pressed to join is gone.
  useEffect(() => button.current?.focus(), []);
  const facts: readonly (readonly [string, string])[] = [
    ["task", trial?.task ?? "–"],
    ["backend", trial?.backend ?? "–"],
    ["round", round === undefined ? "–" : `${round} of ${trial?.rounds ?? "–"}`],
    ["updates", updates.toLocaleString("en-GB")],
    ["work", formatSeconds(seconds)],
    ["sent", formatBytes(bytesSent)],
    ["received", formatBytes(bytesReceived)],
  ];
  return (
    <>
      <Section
        id="now"
        title={trial ? oneLine(trial.name) : "Joining"}
        aside={
          <button
            type="button"
            ref={button}
            onClick={() => {
              tab.leave();
            }}
          >
            Leave
          </button>
        }
      >
        {stage.name === "lost" && (
          <PageNotice isUrgent>
            The connection broke ({stage.why}). This tab joins again as soon as it can.
          </PageNotice>
        )}
        <p class="lead">{describeWork(stage, tab.work.value, jobs)}</p>
        <Facts facts={facts} />
        {own && <Own own={own} />}
        <p class="note">
          You may switch to another tab or window: training goes on. It stops when this tab is
          closed or the machine sleeps.
        </p>
      </Section>
      {tab.problems.value.length > 0 && (
        <Section id="problems" title="Problems">
          <ul class="details">
            {tab.problems.value.map((text, i) => (
              <li key={i}>{text}</li>
            ))}
          </ul>
        </Section>
      )}
      <Rounds tab={tab} />
      <Privacy />
    </>
  );
}

/** Says what was read of the user's files, and that they stay. */
function Own({ own }: { readonly own: ReadData }) {
  return (
    <div class="data" role="group" aria-labelledby="data-title">
      <h3 id="data-title">Your data: {own.name}</h3>
      <Read own={own} />
      <p>{staysHere}</p>
    </div>
  );
}

function Read({ own: { facts, classes, notes } }: { readonly own: ReadData }) {
  return (
    <>
      <Facts facts={facts} />
      {classes && <Counts counts={classes} noun="class" />}
      {notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
    </>
  );
}

/** Describes in a sentence what the tab does at the moment. */
function describeWork(stage: Stage, work: Work | undefined, jobs: number): string {
  if (stage.name === "joining") return "Joining, and loading the task and its data.";
  if (stage.name === "lost") return "Waiting for the coordinator.";
  if (work) {
    const verb = work.kind === "train" ? "Training" : "Measuring";
    return `${verb} ${work.clients.join(", ")} in round ${work.round}.`;
  }
  return jobs === 0
    ? "Waiting for clients. The coordinator hands them out before each round; if other hosts have room for all of them, this tab may have to wait for the next one."
    : "Waiting for the next job.";
}

function Rounds({ tab }: { readonly tab: Tab }) {
  const rounds = tab.rounds.value;
  const metric = tab.metric.value;
  return (
    <Section id="rounds" title="What your clients learn">
      <div class="own-curves">
        <OwnCurves tab={tab} />
      </div>
      {rounds.length > 0 && (
        <details>
          <summary>The last rounds in numbers</summary>
          <PageTable
            caption="What the clients of this tab did in the last rounds"
            heads={["round", metric || "metric", "trained", "measured", "seconds", "clients"]}
            numbers={[1, 2, 3, 4]}
            rows={rounds.map(({ round, clients, trained, measured, seconds, values }) => [
              String(round),
              formatValue(values.reduce((sum, value) => sum + value, 0) / values.length),
              String(trained),
              String(measured),
              seconds.toFixed(2),
              formatNames([...clients].sort()),
            ])}
          />
        </details>
      )}
    </Section>
  );
}

/** The mean of this tab's clients over the rounds, a curve for each method. */
function OwnCurves({ tab }: { readonly tab: Tab }) {
  const metric = tab.metric.value;
  const curves = tab.curves.value;
  if (curves.every((points) => points.length < 2)) return null;
  return (
    <Curves
      curves={curves.map((points, i) => ({
        label: curves.length === 1 ? metric : `${metric}, method ${i + 1}`,
        colour: `var(--phase${i % 3})`,
        dash: curveDashes[i % curveDashes.length] ?? "",
        points,
        hasBand: false,
      }))}
      label={`Mean ${metric} of the clients of this tab by round`}
      better={undefined}
    />
  );
}

/** Lists names; of many, the first ones and how many there are. */
function formatNames(names: readonly string[]): string {
  if (names.length <= 6) return names.join(", ");
  return `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;
}

function Privacy() {
  return (
    <Section id="privacy" title="What leaves this tab">
      <ul class="details">
        <li>
          <b>To the coordinator:</b> your token, once; for every client and round the change of the
          model that it learned, the number of its examples, its measurements (such as a loss), and
          the time it took. The coordinator also sees your network address.
        </li>
        <li>
          <b>To nobody else:</b> this page loads nothing from, and sends nothing to, any other
          address. It stores nothing in this browser.
        </li>
        <li>
          <b>Files that you choose</b> are read in this tab and stay in it. What leaves is learned
          from them, and can reveal something about them: the coordinator sees every update.
        </li>
        <li>
          <b>Without files</b> clients train on data of the trial: they are simulated, or published,
          and come from the coordinator.
        </li>
      </ul>
    </Section>
  );
}

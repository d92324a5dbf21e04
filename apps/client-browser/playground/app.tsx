import { Card, curvesOf, Progress, Rounds, StatusMark } from "@fedclair/view/browser";
import { Choice, Command, PageNotice, Section } from "@fedclair/view/parts";
import { checkExercise, exercises } from "./exercises.js";
import type { Playground, Stage } from "./playground.js";
import {
  attacks,
  clientCount,
  heterogeneities,
  maxSeed,
  rules,
  shares,
  trialText,
  type Setting,
} from "./settings.js";

export function App({ playground }: { readonly playground: Playground }) {
  const run = playground.run.value;
  const stage = playground.stage.value;
  const rounds = playground.rounds.value;
  const { followed } = playground;
  return (
    <>
      <header class="top">
        <a class="home" href="../index.html">
          fedclair
        </a>
        <h1 class="crumb">Playground</h1>
        <StatusMark status={stage.name} />
      </header>
      <main>
        <p class="claim">
          {clientCount} clients train a small language model together, in this tab. Some of them are
          contaminated. Does the rule at the server find out which?
        </p>
        <Form playground={playground} />
        {stage.name === "failed" && <PageNotice isUrgent>{stage.why}</PageNotice>}
        <section aria-label="Result" class="result">
          {run?.card && run.card.parts.length > 0 ? (
            <Card run={run} />
          ) : (
            <p class="lead">The first verdicts come with the first round…</p>
          )}
          {run && stage.name === "running" && <Progress followed={followed} run={run} />}
        </section>
        <section id="rounds" aria-labelledby="rounds-title" class="rounds">
          {rounds && run && (
            <Rounds data={rounds} curves={curvesOf(followed.grown.value.data, run)} />
          )}
        </section>
        <Exercises playground={playground} />
        <Files playground={playground} stage={stage} />
      </main>
    </>
  );
}

/** The setting. Another choice runs at once. */
function Form({ playground }: { readonly playground: Playground }) {
  const setting = playground.setting.value;
  const change = (changed: Partial<Setting>) => {
    playground.start({ ...setting, ...changed });
  };
  return (
    <form
      class="controls"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <Choice
        label="Attack"
        value={setting.attack}
        options={attacks}
        onChange={(attack) => {
          change({ attack });
        }}
      />
      <Choice
        label="Contaminated"
        value={String(setting.share)}
        options={shares}
        onChange={(share) => {
          change({ share: Number(share) });
        }}
      />
      <Choice
        label="Rule at the server"
        value={setting.rule}
        options={rules}
        onChange={(rule) => {
          change({ rule });
        }}
      />
      <Choice
        label="Data of the clients"
        value={setting.data}
        options={heterogeneities}
        onChange={(data) => {
          change({ data });
        }}
      />
      <button
        type="button"
        onClick={() => {
          change({ seed: (setting.seed % maxSeed) + 1 });
        }}
      >
        Another seed than {setting.seed}
      </button>
    </form>
  );
}

function Exercises({ playground }: { readonly playground: Playground }) {
  return (
    <Section id="exercises" title="Three exercises">
      <ol class="exercises">
        {exercises.map((exercise) => {
          const { isAnswered, text } = checkExercise(exercise, playground);
          return (
            <li key={exercise.title}>
              <b>{exercise.title}.</b> {exercise.task}
              <p class={isAnswered ? "check good" : "check plain"} role="status">
                {isAnswered ? "✓ " : ""}
                {text}
              </p>
            </li>
          );
        })}
      </ol>
    </Section>
  );
}

/** What a visitor takes away: the link, the trial file, and the records. */
function Files({ playground, stage }: { readonly playground: Playground; readonly stage: Stage }) {
  const text = trialText(playground.setting.value);
  return (
    <Section id="files" title="Take it with you">
      <p>
        The address of this page names the setting. The trial file gives the same records, byte for
        byte, on your own machine:
      </p>
      <Command text="npx fedclair run playground.yaml" />
      <p class="files">
        <a href={fileAddress(text)} download="playground.yaml">
          playground.yaml
        </a>
        {stage.name === "done" && (
          <a href={fileAddress(playground.records.join(""))} download="records.jsonl">
            records.jsonl
          </a>
        )}
        {stage.name === "done" && (
          <span class="note">
            {playground.records.length} rounds in {stage.seconds.toFixed(1)} s. Nothing left this
            tab.
          </span>
        )}
      </p>
      <pre>{text}</pre>
    </Section>
  );
}

function fileAddress(text: string): string {
  return `data:text/plain;charset=utf-8,${encodeURIComponent(text)}`;
}

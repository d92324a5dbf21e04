import { useSignal } from "@preact/signals";
import { Fragment, type ComponentChild } from "preact";
import { useEffect } from "preact/hooks";
import type { Comparison, StudyComparison } from "../../src/data/protocol.js";
import { Curves, type Curve } from "./curves.js";
import { addressOf } from "./list-view.js";
import { load } from "./load.js";
import { Notice, Section, Table } from "../parts/index.js";
import { Head } from "./parts.js";
import { formatRoute } from "./routes.js";
import { armDashes, palette } from "./theme.js";

/**
 * Runs side by side: what differs in their trial files, their measures, and their curves. With
 * studies or sweeps among them, their means over seeds.
 */
export function CompareView({ paths }: { readonly paths: readonly string[] }) {
  const comparison = useSignal<Comparison | StudyComparison | undefined>(undefined);
  const fault = useSignal<string | undefined>(undefined);
  useEffect(() => {
    load<Comparison | StudyComparison>(
      "/api/compare",
      new URLSearchParams(paths.map((path) => ["run", path])),
    ).then(
      (next) => {
        comparison.value = next;
      },
      (error: unknown) => {
        fault.value = error instanceof Error ? error.message : String(error);
      },
    );
  }, []);
  const found = comparison.value;
  return (
    <>
      <Head>
        <span class="crumb">Comparison of {paths.length} folders</span>
      </Head>
      <main>
        {fault.value !== undefined && <Notice isUrgent>{fault.value}</Notice>}
        {!found && fault.value === undefined && <p class="lead">Reading the runs…</p>}
        {found && "curves" in found && <Compared comparison={found} />}
        {found && "paired" in found && <ComparedStudies comparison={found} />}
      </main>
    </>
  );
}

function Compared({ comparison }: { readonly comparison: Comparison }) {
  const { names, paths, differences, measures, curves, note } = comparison;
  const heads = names.map((name, i) => (
    <a key={name} href={formatRoute({ view: "run", path: paths[i] ?? "" })}>
      {name}
    </a>
  ));
  const metrics = [...new Set(curves.map(({ metric }) => metric).filter(Boolean))];
  const hasEstimates = measures.some(({ estimate }) => estimate !== undefined);
  return (
    <>
      {metrics.map((metric) => (
        <Section key={metric} id={`curves-${metric}`} title={`${metric} by round`}>
          <p class="note">Mean of the clients that measure, main method of each run.</p>
          <Curves
            curves={curvesOf(comparison, metric)}
            label={`${metric} of each run by round`}
            better={curves.find((curve) => curve.metric === metric)?.better}
          />
        </Section>
      ))}
      <Differences differences={differences} heads={heads} />
      <Section id="measures" title="Measures">
        {measures.some(({ best }) => best.length > 0) && (
          <p class="note">Bold: the best of a row.</p>
        )}
        {note !== undefined && <p class="note">{note}</p>}
        <Table
          caption="Measures of each run"
          heads={["measure", ...heads, ...(hasEstimates ? ["mean ± 95 % (n)"] : [])]}
          rows={measures.map(({ name, values, best, estimate }) => [
            <DottedName key="name" name={name} />,
            ...values.map((value, i) =>
              best.includes(i) ? <b key={i}>{value}</b> : (value ?? "–"),
            ),
            ...(hasEstimates ? [estimate ?? "–"] : []),
          ])}
          numbers={[...names.keys(), names.length].map((i) => i + 1)}
        />
      </Section>
    </>
  );
}

function Differences({
  differences,
  heads,
}: {
  readonly differences: Comparison["differences"];
  readonly heads: readonly ComponentChild[];
}) {
  return (
    <Section id="differences" title="What differs in the trial files">
      {differences.length === 0 ? (
        <p>Nothing: the trials are identical.</p>
      ) : (
        <Table
          caption="Keys of the trial files that differ"
          heads={["key", ...heads]}
          rows={differences.map(({ path, values }) => [
            <DottedName key="path" name={path} />,
            ...values.map(formatValueOfKey),
          ])}
        />
      )}
    </Section>
  );
}

/**
 * A text such as the claim would otherwise be a column of single words on a narrow screen.
 * @param value null, which JSON has for undefined, if the trial file does not have the key
 */
function formatValueOfKey(value: string | null | undefined): ComponentChild {
  if (value == null) return "–";
  return value.length > 40 ? <span class="long">{value}</span> : value;
}

/** Means over seeds, as `fedclair compare` prints them. */
function ComparedStudies({ comparison }: { readonly comparison: StudyComparison }) {
  const { studies, findings, differences, measures, notes, paired } = comparison;
  const heads = studies.map((study) => (
    <a key={study.name} href={addressOf(study)}>
      {study.name}
    </a>
  ));
  return (
    <>
      {comparison.missing > 0 && (
        <Notice>
          {comparison.missing} of {comparison.trials} runs have no numbers yet.
        </Notice>
      )}
      {findings.length > 0 && (
        <Section id="findings" title="What was found">
          <ul>
            {findings.map(({ place, texts }) => (
              <li key={place}>
                <b>{place}</b>: {texts.join("; ")}.
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Section id="measures" title="Measures">
        {notes.map((note) => (
          <p key={note} class="note">
            {note}
          </p>
        ))}
        <Table
          caption="Measures of each study"
          heads={["measure", ...heads]}
          rows={measures.map(({ name, values }) => [
            <DottedName key="name" name={name} />,
            ...values,
          ])}
          numbers={[...studies.keys()].map((i) => i + 1)}
        />
      </Section>
      {paired.length > 0 && (
        <Section id="paired" title="Differences">
          {groupPairs(paired).map(({ title, rows }) => (
            <Fragment key={title}>
              <h3>{title}</h3>
              <Table
                caption={`Differences, paired by seed: ${title}`}
                heads={["measure", "mean [95 % interval] (seeds)", "the first is"]}
                rows={rows.map(({ measure, text, outcome }) => [
                  <DottedName key="name" name={measure} />,
                  text,
                  outcome,
                ])}
              />
            </Fragment>
          ))}
        </Section>
      )}
      <Differences differences={differences} heads={heads} />
    </>
  );
}

/** Groups neighbouring differences of the same methods in the same place. */
function groupPairs(paired: StudyComparison["paired"]) {
  const groups: { readonly title: string; readonly rows: StudyComparison["paired"][number][] }[] =
    [];
  for (const one of paired) {
    const title = one.place === "" ? one.methods : `${one.place}: ${one.methods}`;
    const last = groups.at(-1);
    if (last?.title === title) last.rows.push(one);
    else groups.push({ title, rows: [one] });
  }
  return groups;
}

/** A name such as `error.gainOver.local`, which breaks after its dots on a narrow screen. */
function DottedName({ name }: { readonly name: string }) {
  return (
    <span class="dotted">
      {name.split(/(?<=\.)/).map((part, i) => (
        <Fragment key={i}>
          {i > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </span>
  );
}

/** The runs that measured a metric. Each run has its colour in all figures. */
function curvesOf({ curves }: Comparison, metric: string): Curve[] {
  const colours = palette().arms;
  return curves.flatMap(({ name, points, ...own }, i) =>
    own.metric === metric && points.length > 0
      ? [
          {
            label: name,
            colour: colours[i % colours.length] ?? "",
            dash: armDashes[i % armDashes.length] ?? [],
            rounds: points.map(([round]) => round),
            mean: points.map(([, mean]) => mean),
          },
        ]
      : [],
  );
}

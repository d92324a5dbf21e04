import { oneLine } from "@fedclair/core/text";
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { maxCompared, type Entry, type Listing, type SweepView } from "../../src/data/protocol.js";
import { PageNotice, PageTable, countLabel, formatMoment, formatValue } from "../parts/index.js";
import { toggled } from "../parts/toggled.js";
import { faultText, load } from "./load.js";
import { noteChoice, readChoice } from "./route.js";

import { directionOf, sortEntries, sortable } from "../data/sort-entries.js";
import { CardLine, Head, StatusMark } from "./status-parts.js";
import { compareAddress, formatRoute, reportAddress } from "../../src/data/routes.js";

/** Time between two looks at the list, in ms. */
const lookEvery = 3000;

/** The runs, studies and sweeps of a folder: filter, open, compare. */
export function ListView({ folder }: { readonly folder: string }) {
  const listing = useSignal<Listing | undefined>(undefined);
  const sweep = useSignal<SweepView | undefined>(undefined);
  const fault = useSignal<string | undefined>(undefined);
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const look = async () => {
      if (document.visibilityState !== "visible") return;
      try {
        const next = await load<Listing>("/api/list", { folder });
        if (next.isRun && folder === "") location.replace(formatRoute({ view: "run", path: "" }));
        // Both at once: results that come later would move the list.
        if (next.isSweep) sweep.value = await load<SweepView>("/api/sweep", { run: folder });
        listing.value = next;
        fault.value = undefined;
      } catch (error) {
        fault.value = faultText(error);
      }
    };
    void look();
    const timer = setInterval(() => void look(), lookEvery);
    return () => {
      clearInterval(timer);
    };
  }, [folder]);
  const entries = listing.value?.entries ?? [];
  const search = readChoice("search") ?? "";
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = entries.filter((entry) => words.every((word) => describe(entry).includes(word)));
  // The runs of a sweep are folded below its results.
  const [isSearched] = useState(search !== "");
  const choose = (path: string) => {
    const next = toggled(chosen.value, path);
    if (next.size <= maxCompared) chosen.value = next;
  };
  const list = (
    <>
      <div class="controls">
        <label>
          Filter
          <input
            type="search"
            value={search}
            placeholder="name, task, status …"
            onInput={(event) => {
              noteChoice("search", event.currentTarget.value);
            }}
          />
        </label>
        <CompareLink paths={[...chosen.value]} />
      </div>
      {listing.value && (
        <Runs
          folder={folder}
          entries={shown}
          total={entries.length}
          chosen={chosen.value}
          choose={choose}
        />
      )}
    </>
  );
  return (
    <>
      <Head>
        <h1 class="crumb">{folder === "" ? (listing.value?.root ?? "…") : folder}</h1>
      </Head>
      <main>
        {fault.value !== undefined && <PageNotice isUrgent>{fault.value}</PageNotice>}
        {sweep.value && <Sweep view={sweep.value} folder={folder} />}
        {sweep.value ? (
          <details open={isSearched || sweep.value.tables.length === 0}>
            <summary>{countLabel(entries.length, "run")}</summary>
            {list}
          </details>
        ) : (
          list
        )}
      </main>
    </>
  );
}

function CompareLink({ paths }: { readonly paths: readonly string[] }) {
  if (paths.length < 2) {
    return <span class="note">Tick two to {maxCompared} rows to compare them.</span>;
  }
  return <a href={compareAddress(paths)}>Compare {paths.length}</a>;
}

function Sweep({ view, folder }: { readonly view: SweepView; readonly folder: string }) {
  return (
    <section aria-label="Results so far">
      <h2>{view.name}</h2>
      <CardLine card={view.card} />
      {view.claim !== undefined && <p class="claim">{view.claim}</p>}
      {view.hasReport && (
        <p>
          <a href={reportAddress(folder)}>Open the report</a>
        </p>
      )}
      {view.highlights.length > 0 && (
        <dl class="highlights">
          {view.highlights.map(({ topic, texts }) => (
            <div key={topic}>
              <dt>{topic}</dt>
              {texts.map((text) => (
                <dd key={text}>{text}</dd>
              ))}
            </div>
          ))}
        </dl>
      )}
      {view.tables.length === 0 && <p>No trial has finished yet.</p>}
      {view.tables.map(({ title, heads, rows, worst }) => (
        <div key={`${title} ${heads.join(" ")}`} class="heat">
          {title !== "" && <h3>{title}</h3>}
          <PageTable
            caption={title === "" ? "Measures of each row" : title}
            heads={[<span class="unseen">row</span>, ...heads]}
            rows={[
              ...rows.map(({ name, cells }) => [
                name,
                ...cells.map(({ text, level = "", href }) => (
                  <span key={text} class={`heat${level}`}>
                    {href === undefined ? text : <a href={href}>{text}</a>}
                  </span>
                )),
              ]),
              ...(worst.length === 0 ? [] : [["worst", ...worst]]),
            ]}
            numbers={heads.map((_, i) => i + 1)}
          />
        </div>
      ))}
    </section>
  );
}

function Runs({
  folder,
  entries,
  total,
  chosen,
  choose,
}: {
  /** The folder that is listed; empty for the root. */
  readonly folder: string;
  readonly entries: readonly Entry[];
  readonly total: number;
  readonly chosen: ReadonlySet<string>;
  readonly choose: (path: string) => void;
}) {
  if (total === 0) {
    return <p class="lead">No runs here yet. fedclair run starts one; this list then shows it.</p>;
  }
  const sort = readChoice("sort") ?? "";
  const rows = sortEntries(entries, sort).map((entry) => {
    const { path, kind, status, done, of, card, fault, primary, started } = entry;
    return [
      status !== "waiting" && status !== "broken" && (
        <input
          type="checkbox"
          aria-label={`compare ${path}`}
          checked={chosen.has(path)}
          onChange={() => {
            choose(path);
          }}
        />
      ),
      <a key="run" href={addressOf(entry)}>
        {nameIn(folder, entry)}
      </a>,
      card ? <span class={card.tone}>{card.parts.join(" · ")}</span> : fault,
      primary && `${primary.name} ${formatValue(primary.value)}`,
      <StatusMark key="status" status={status} />,
      of === 0 ? "–" : `${done} of ${of}${kind === "sweep" ? " runs" : ""}`,
      entry.task,
      entry.aggregator,
      entry.seed,
      started !== undefined && formatMoment(started),
    ];
  });
  return (
    <div class="list">
      <PageTable
        caption="Runs, studies and sweeps"
        heads={[
          <span key="compare" class="unseen">
            compare
          </span>,
          ...sortable.map(([name]) => <SortButton key={name} name={name} sort={sort} />),
        ]}
        rows={rows}
        named={1}
        numbers={[5, 8]}
        sorted={[
          1 + sortable.findIndex(([name]) => name === sort.replace("-", "")),
          directionOf(sort),
        ]}
      />
      {entries.length < total && <p class="note">{`${entries.length} of ${total} match.`}</p>}
    </div>
  );
}

/** The address of a run, or of the runs of a sweep. */
function addressOf({ kind, path }: Pick<Entry, "kind" | "path">): string {
  return formatRoute({ view: kind === "sweep" ? "list" : "run", path });
}

/** The path of an entry within the folder that is listed, with its marks escaped. */
function nameIn(folder: string, { path, name }: Entry): string {
  const isInside = folder !== "" && path.startsWith(`${folder}/`);
  return oneLine(isInside ? path.slice(folder.length + 1) : path || name);
}

/** The text that the filter searches. */
function describe({ path, name, status, task, aggregator }: Entry): string {
  return [path, name, status, task, aggregator].join(" ").toLowerCase();
}

/** The head of a column, which sorts by it: first the smallest, and then the largest. */
export function SortButton({ name, sort }: { readonly name: string; readonly sort: string }) {
  return (
    <button
      class="sort"
      onClick={() => {
        noteChoice("sort", sort === name ? `-${name}` : name);
      }}
    >
      {name}
    </button>
  );
}

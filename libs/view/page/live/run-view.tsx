import { useSignalEffect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { RunState } from "../../src/data/protocol.js";
import { ClientPanel } from "./client-panel.js";
import { ClientSection } from "./client-section.js";
import { FollowedRun, type Link } from "./connection.js";
import { CostSection } from "./cost-section.js";
import { Facts, PageNotice, formatMoment } from "../parts/index.js";
import { HostSection } from "./host-section.js";
import { Overview } from "./overview.js";
import { route } from "./route.js";
import { Head, StatusMark } from "./status-parts.js";

/** A run: at a glance, its clients, hosts and cost. */
export function RunView({ path }: { readonly path: string }) {
  const followed = useMemo(() => new FollowedRun(path), [path]);
  useEffect(
    () => () => {
      followed.close();
    },
    [followed],
  );
  useSignalEffect(() => {
    document.title = titleOf(followed.run.value);
  });
  const run = followed.run.value;
  const link = followed.link.value;
  const isWhole = followed.isWhole.value;
  const { client } = route.value;
  return (
    <>
      <Head>
        <h1 class="crumb">{run?.name ?? path}</h1>
        {run && <StatusMark status={run.status} />}
        {run && (
          <nav aria-label="Sections">
            {["Clients", "Hosts", "Cost"].map((section) => (
              <a key={section} href={location.hash} onClick={jump(section.toLowerCase())}>
                {section}
              </a>
            ))}
          </nav>
        )}
      </Head>
      <main>
        <LinkNotice link={link} run={run} />
        {run?.notices.map((notice) => (
          <PageNotice key={notice}>{notice}</PageNotice>
        ))}
        {run ? (
          <>
            <Overview followed={followed} run={run} isWhole={isWhole} />
            {isWhole && (
              <>
                <ClientSection followed={followed} run={run} />
                <HostSection followed={followed} />
                <CostSection followed={followed} run={run} />
                <RunFacts run={run} />
              </>
            )}
          </>
        ) : (
          link.state === "connecting" && <p class="lead">Reading the run…</p>
        )}
      </main>
      {run && client !== undefined && (
        <ClientPanel key={client} followed={followed} run={run} id={client} />
      )}
    </>
  );
}

/** Scrolls to a section without changing the address, which names the run. */
function jump(id: string) {
  return (event: Event) => {
    event.preventDefault();
    const section = document.getElementById(id);
    section?.scrollIntoView();
    section?.querySelector("h2")?.focus();
  };
}

function titleOf(run: RunState | undefined): string {
  if (!run) return "fedclair";
  const [main] = run.arms;
  const place = run.status === "running" && main ? `${main.rounds}/${run.rounds} · ` : "";
  return `${place}${run.name} · fedclair`;
}

function LinkNotice({ link, run }: { readonly link: Link; readonly run: RunState | undefined }) {
  if (link.state !== "lost") return null;
  if (link.why !== undefined) return <PageNotice isUrgent>{link.why}</PageNotice>;
  const time = new Date(link.since).toLocaleTimeString("en-GB");
  if (run?.status === "done") {
    return (
      <PageNotice>
        The server of this page ended at {time}. The run is done; this is all of it.
      </PageNotice>
    );
  }
  return (
    <PageNotice isUrgent>
      No connection since {time}. If the coordinator served this page, it has ended or hangs:
      fedclair view shows its run folder. Trying again…
    </PageNotice>
  );
}

function RunFacts({ run }: { readonly run: RunState }) {
  const facts = [
    ["task", run.task],
    ["clients", run.clients.toLocaleString("en-GB")],
    ["seed", String(run.seed)],
    ["began", run.started === undefined ? "–" : formatMoment(run.started)],
    ["backend", run.backend ?? "–"],
    ["release", run.version ?? "–"],
  ] as const;
  return (
    <footer>
      {run.claim !== undefined && <p class="claim">{run.claim}</p>}
      <Facts facts={facts} />
    </footer>
  );
}

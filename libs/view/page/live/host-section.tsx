import type { HostStatus } from "@fedclair/core/internal";
import type { FollowedRun } from "./connection.js";
import { Section, PageTable, formatAgo, formatBytes, formatMoment } from "../parts/index.js";

/** The client hosts of a run. */
export function HostSection({ followed }: { readonly followed: FollowedRun }) {
  const activity = followed.activity.value;
  return (
    <Section id="hosts" title="Hosts">
      {activity && activity.hosts.length > 0 ? (
        <>
          <PageTable
            caption="Client hosts"
            heads={[
              "host",
              "state",
              "clients",
              "room for",
              "open jobs",
              "lag",
              "sent",
              "received",
              "last seen",
            ]}
            rows={activity.hosts.map((host) => cells(host, Date.parse(activity.written)))}
            numbers={[3, 4, 5, 6, 7]}
          />
          <p class="note">As of {formatMoment(activity.written)}.</p>
        </>
      ) : (
        <p class="note">
          {activity
            ? "All clients are in the coordinator's process."
            : "The run folder does not say which hosts took part."}
        </p>
      )}
    </Section>
  );
}

/** @param now when the file was written, by the coordinator's clock */
function cells(host: HostStatus, now: number) {
  const { name, address, external, clients, clientCount, capacity, lost, returns } = host;
  const again = returns === 0 ? "" : `, back after ${returns} ${returns === 1 ? "loss" : "losses"}`;
  return [
    `${name} (${address}${external ? ", brings its own clients" : ""})`,
    lost ? <b key="lost">{`lost ${formatMoment(lost.at)}: ${lost.reason}`}</b> : `here${again}`,
    clientCount === 0 ? "none" : `${clientCount}: ${clients}`,
    capacity.toLocaleString("en-GB"),
    host.openJobs,
    host.lag === undefined ? "–" : `${Math.round(host.lag)} ms`,
    formatBytes(host.bytesSent),
    formatBytes(host.bytesReceived),
    lost ? "–" : formatAgo(host.lastSeen, now),
  ];
}

/** What a run does at the moment, as its `activity.json` says. */
export interface Activity {
  readonly written: string;
  readonly arm?: string;
  readonly round?: number;
  readonly doing: "waiting" | "training" | "aggregating" | "measuring" | "finished";
  readonly asked: number;
  readonly answered: number;
  readonly hosts: readonly HostActivity[];
}

/** A client host that has joined, or that was lost. */
export interface HostActivity {
  readonly name: string;
  readonly address: string;
  readonly version: string;
  readonly external: boolean;
  readonly capacity: number;
  readonly clients: string;
  readonly clientCount: number;
  readonly openJobs: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly lag?: number;
  readonly joined: string;
  readonly lastSeen: string;
  readonly lost?: { readonly at: string; readonly reason: string };
  readonly returns: number;
}

/** Finds the host that holds a client. @param id as in records, like `c07` */
export function hostOf(hosts: readonly HostActivity[], id: string): HostActivity | undefined {
  const index = Number(id.slice(1));
  const holds = (ranges: string) =>
    ranges.split(", ").some((range) => {
      const [from = "", to = from] = range.split("-");
      const [first, last] = [Number(from.slice(1)), Number(to.slice(1))];
      return from !== "" && index >= first && index <= last;
    });
  return hosts.find(({ clients, lost }) => !lost && holds(clients));
}

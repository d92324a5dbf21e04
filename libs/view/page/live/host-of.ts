import type { HostStatus } from "@fedclair/core/internal";

/** Finds the host that holds a client. @param id as in records, like `c07` */
export function hostOf(hosts: readonly HostStatus[], id: string): HostStatus | undefined {
  const index = Number(id.slice(1));
  const holds = (ranges: string) =>
    ranges.split(", ").some((range) => {
      const [from = "", to = from] = range.split("-");
      const [first, last] = [Number(from.slice(1)), Number(to.slice(1))];
      return from !== "" && index >= first && index <= last;
    });
  return hosts.find(({ clients, lost }) => !lost && holds(clients));
}

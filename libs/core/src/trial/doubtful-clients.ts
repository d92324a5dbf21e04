import type { Trial } from "./trial.js";

/** Says why no rule can judge the clients of a trial; undefined if it may. */
export function explainDoubtfulClients(
  { clients, aggregator }: Pick<Trial, "clients" | "aggregator">,
  contaminated: number,
): string | undefined {
  if (2 * contaminated > clients)
    return `attacks: ${contaminated} of ${clients} clients are contaminated, more than half: without trusted data no rule knows which of them are the honest ones`;
  const presumes = aggregator.name === "clair" || "fraction" in aggregator;
  if (clients === 2 && (contaminated > 0 || presumes))
    return "clients: of 2 clients that differ, nobody can tell which one is contaminated: rules need 3 or more, and clair 6";
  return undefined;
}

import { createCard, type CardPart, type VerdictCard } from "@fedclair/runs";
import type { Audit } from "../audit-schema.js";

/** More names would not be read at a glance. */
const maxNames = 5;

/** The verdicts of an audit at a glance, with the names of the contaminated adapters. */
export function auditCard({ adapters, detection }: Audit): VerdictCard {
  const find = (wanted: string) => adapters.filter(({ status }) => status === wanted);
  const count = (wanted: string) => find(wanted).length;
  const names = find("contaminated").map(({ name }) => name);
  const more = names.length - maxNames;
  const shown = names.slice(0, maxNames).join(", ");
  const who = names.length === 0 ? "" : `: ${shown}${more > 0 ? ` and ${more} more` : ""}`;
  const parts: CardPart[] = detection
    ? [
        {
          tone: names.length > 0 ? "bad" : "good",
          text: `${names.length} of ${adapters.length} contaminated${who}`,
        },
      ]
    : [{ tone: "open", text: "no verdict" }];
  for (const [status, tone] of [
    ["undecided", "open"],
    ["invalid", "bad"],
  ] as const) {
    if (count(status) > 0) parts.push({ tone, text: `${count(status)} ${status}` });
  }
  return createCard(parts, "plain");
}

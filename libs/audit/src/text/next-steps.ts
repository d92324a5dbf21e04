import { minBenignClients, type ClairOptions } from "@fedclair/clair";
import { oneLine } from "@fedclair/core/internal";
import type { AdapterFinding, Audit } from "../audit-schema.js";
import { listCompared } from "./verdict.js";

/** What to do after an audit. */
interface NextStep {
  readonly text: string;
  /** The adapters that it is about, to copy. */
  readonly names: readonly string[];
}

/**
 * Lists what to do after an audit with the adapters that were given, not with siblings.
 * @param isKnown was the adapter in an earlier audit? Among copies of it, that one is kept
 */
export function listNextSteps(
  audit: Audit,
  { rule }: Pick<ClairOptions, "rule">,
  isKnown: (adapter: AdapterFinding) => boolean = () => false,
): NextStep[] {
  const { adapters, usualBelow = Infinity, identical, nearCopies } = audit;
  const compared = listCompared(audit);
  const given = adapters.filter(({ origin }) => origin?.hub?.isSibling !== true);
  const withStatus = (status: string) => given.filter((one) => one.status === status);
  const names = (some: Audit["adapters"]) => some.map(({ name }) => name);
  const undecided = withStatus("undecided");
  const apart = undecided.filter(({ score }) => (score ?? 0) > usualBelow);
  const known = new Set(names(adapters.filter(isKnown)));
  const copies = [...identical, ...nearCopies]
    .flatMap((group) => {
      const kept = group.find((name) => known.has(name)) ?? group[0];
      return group.filter((name) => name !== kept && !known.has(name));
    })
    .filter((copy) => given.some(({ name }) => name === copy));
  const isFew = compared.length < minBenignClients && rule.by === "evidence";
  const missing = minBenignClients - compared.length;
  const steps: NextStep[] = [
    { text: "Leave these out", names: names(withStatus("contaminated")) },
    { text: "Repair these, or leave them out", names: names(withStatus("invalid")) },
    {
      text: "Look at these, or train more adapters on the same kind of data, so that an honest minority has company",
      names: names(apart),
    },
    { text: "Leave out these copies of others", names: [...new Set(copies)] },
  ];
  const found = steps.filter((step) => step.names.length > 0);
  if (compared.length > 0 && isFew) {
    return [
      ...found,
      {
        text: `Add ${missing} or more adapters of the same base, for example with --siblings 20: fewer than ${minBenignClients} do not show who is benign`,
        names: [],
      },
    ];
  }
  const silent = undecided.filter((one) => !apart.includes(one));
  if (silent.length === 0) return found;
  return [
    ...found,
    {
      text: "Add siblings of these, or train more, because among so few or so different adapters an attack would not stand out",
      names: names(silent),
    },
  ];
}

/** Formats the names of a step so that a shell reads them as words. */
export function formatCopyable(names: readonly string[]): string {
  return names
    .map(oneLine)
    .map((name) => (/^[\w.:/@-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`))
    .join(" ");
}

/** Formats a step on one line. */
export function formatStep({ text, names }: NextStep): string {
  return names.length === 0 ? `${text}.` : `${text}: ${formatCopyable(names)}`;
}

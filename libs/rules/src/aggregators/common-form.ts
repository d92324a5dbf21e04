import { invalidVerdict, isLowRank, type Update, type Verdict } from "@fedclair/core";

/** The updates of a round that can be averaged factor by factor. */
interface CommonForm {
  readonly admitted: readonly Update[];
  /** A verdict `invalid` for each of the other clients; absent if there are none. */
  readonly verdicts?: readonly Verdict[];
}

/**
 * Admits the updates of the form that more than half of the clients send, so that a single client
 * that sends another form cannot end the trial. Without such a majority every update is admitted:
 * the task is then at fault, and the rule reports the mismatch.
 * @param formOf returns equal strings for updates of the same form
 */
export function keepCommonForm(
  updates: readonly Update[],
  formOf: (update: Update) => string,
): CommonForm {
  const forms = updates.map(formOf);
  const counts = new Map<string, number>();
  for (const form of forms) counts.set(form, (counts.get(form) ?? 0) + 1);
  const [common] = [...counts].find(([, count]) => 2 * count > updates.length) ?? [];
  if (common === undefined || counts.size === 1) return { admitted: updates };
  return {
    admitted: updates.filter((_, k) => forms[k] === common),
    verdicts: updates
      .filter((_, k) => forms[k] !== common)
      .map(({ clientId }): Verdict => {
        const reason = "its factors differ in form from those of most clients";
        return { ...invalidVerdict(clientId), reason };
      }),
  };
}

/** The ranks of all pairs as a string; dense modules count as null. */
export function formatRanks({ delta }: Update): string {
  return JSON.stringify([...delta].map(([, m]) => (isLowRank(m) ? (m.a.shape[0] ?? 0) : null)));
}

import type { Run } from "@fedclair/runs";

/** A sentence for captions about how many rounds are drawn; empty if all are. */
export function formatDrawnRounds({ drawn, last }: Pick<Run, "drawn" | "last">): string {
  const rounds = new Set(drawn.map(({ round }) => round)).size;
  const all = Math.max(0, ...[...last.values()].map(({ round }) => round));
  return rounds === all ? "" : ` Drawn are ${rounds} of ${all.toLocaleString("en-US")} rounds.`;
}

/** A sentence for captions about how many clients are drawn; empty if all are. */
export function formatSampledClients({ spacing }: Pick<Run, "spacing">): string {
  return spacing.drawn === 1 ? "" : ` Of each round, one in ${spacing.drawn} clients is drawn.`;
}

/**
 * The rounds that every arm has, except arms that ended earlier. In long runs only some rounds are
 * drawn, and the last one of an arm may be drawn for that arm only.
 */
export function commonRounds(
  arms: readonly (readonly { readonly round: number }[])[],
): ReadonlySet<number> {
  const roundsByArm = arms.map((records) => new Set(records.map(({ round }) => round)));
  const isCommon = (round: number) =>
    arms.every((records, i) => round > (records.at(-1)?.round ?? 0) || roundsByArm[i]?.has(round));
  return new Set(roundsByArm.flatMap((records) => [...records].filter(isCommon)));
}

/** A run with at most about `most` of its drawn rounds, evenly spaced, and the last one. */
export function thinRounds(run: Run, most: number): Run {
  const rounds = [...new Set(run.drawn.map(({ round }) => round))].sort((a, b) => a - b);
  const step = Math.ceil(rounds.length / most);
  if (step <= 1) return run;
  const kept = new Set(rounds.filter((_, i) => i % step === 0 || i === rounds.length - 1));
  const isKept = ({ round }: { readonly round: number }) => kept.has(round);
  const { drawn, timings } = run;
  return {
    ...run,
    drawn: drawn.filter(isKept),
    timings: { ...timings, drawn: timings.drawn.filter(isKept) },
  };
}

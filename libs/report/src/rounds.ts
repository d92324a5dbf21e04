/** Points of one line beyond which more would show no more, and make a file that is slow to open. */
const mostRounds = 300;

/** The rounds that figures draw: all, or evenly spaced ones from the first to the last. */
export function drawnRounds(records: readonly { readonly round: number }[]): ReadonlySet<number> {
  const rounds = [...new Set(records.map(({ round }) => round))].sort((a, b) => a - b);
  if (rounds.length <= mostRounds) return new Set(rounds);
  const step = (rounds.length - 1) / (mostRounds - 1);
  return new Set(
    Array.from({ length: mostRounds }, (_, i) => rounds[Math.round(i * step)] ?? []).flat(),
  );
}

/** For captions; empty where all rounds are drawn. */
export function drawnText(records: readonly { readonly round: number }[]): string {
  const drawn = drawnRounds(records).size;
  const all = new Set(records.map(({ round }) => round)).size;
  return drawn === all ? "" : ` Drawn are ${drawn} of ${all.toLocaleString("en-US")} rounds.`;
}

import type { Run } from "@fedclair/runs";

/** For captions: how many rounds are drawn; empty where all are. */
export function drawnText({ drawn, last }: Pick<Run, "drawn" | "last">): string {
  const rounds = new Set(drawn.map(({ round }) => round)).size;
  const all = Math.max(0, ...[...last.values()].map(({ round }) => round));
  return rounds === all ? "" : ` Drawn are ${rounds} of ${all.toLocaleString("en-US")} rounds.`;
}

/** The rounds that all methods have which came so far: of many rounds the last one of a method is drawn of it alone. */
export function commonRounds(
  methods: readonly (readonly { readonly round: number }[])[],
): ReadonlySet<number> {
  const known = methods.map((own) => new Set(own.map(({ round }) => round)));
  const isCommon = (round: number) =>
    methods.every((own, i) => round > (own.at(-1)?.round ?? 0) || known[i]?.has(round));
  return new Set(known.flatMap((own) => [...own].filter(isCommon)));
}

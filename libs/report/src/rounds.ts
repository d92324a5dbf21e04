import type { Run } from "@fedclair/runs";

/** For captions: how many rounds are drawn; empty where all are. */
export function drawnText({ drawn, last }: Pick<Run, "drawn" | "last">): string {
  const rounds = new Set(drawn.map(({ round }) => round)).size;
  const all = Math.max(0, ...[...last.values()].map(({ round }) => round));
  return rounds === all ? "" : ` Drawn are ${rounds} of ${all.toLocaleString("en-US")} rounds.`;
}

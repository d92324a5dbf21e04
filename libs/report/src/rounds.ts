import { recordsOf, type ArmRecord, type Run } from "@fedclair/runs";

/** For captions: how many rounds are drawn; empty where all are. */
export function drawnText({ drawn, last }: Pick<Run, "drawn" | "last">): string {
  const rounds = new Set(drawn.map(({ round }) => round)).size;
  const all = Math.max(0, ...[...last.values()].map(({ round }) => round));
  return rounds === all ? "" : ` Drawn are ${rounds} of ${all.toLocaleString("en-US")} rounds.`;
}

/** Of several methods' records those of rounds that all have which came so far: of many rounds the last one of a method is drawn of it alone. */
export function inAll(methods: readonly (readonly ArmRecord[])[]): readonly ArmRecord[][] {
  const known = methods.map((own) => new Set(own.map(({ round }) => round)));
  const isInAll = (round: number) =>
    methods.every((own, i) => round > (own.at(-1)?.round ?? 0) || known[i]?.has(round));
  return methods.map((own) => own.filter(({ round }) => isInAll(round)));
}

/** The drawn records of each method. */
export function byMethod(run: Pick<Run, "drawn" | "arms">): readonly ArmRecord[][] {
  return run.arms.map(({ label }) => recordsOf(run, label));
}

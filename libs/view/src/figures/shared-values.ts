import type { Metrics } from "@fedclair/core";
import { clientEvaluations, sharedEvaluations, valuesOf, type ArmRecord } from "@fedclair/runs";

/** What clients measured in a round of one method. */
interface EvaluatedRound {
  readonly method: string;
  readonly round: number;
  readonly clock?: number | undefined;
  /** Empty if the method has no such round. */
  readonly evaluations: ReadonlyMap<string, Metrics>;
}

/**
 * Lists the rounds in which a client measured, with an entry for each method.
 * @param methods the records of each that are drawn, by its name
 */
export function evaluatedRounds(
  methods: ReadonlyMap<string, readonly ArmRecord[]>,
): (readonly EvaluatedRound[])[] {
  const names = [...methods.keys()];
  const rounds = new Map<number, EvaluatedRound[]>();
  for (const [place, method] of names.entries()) {
    for (const { round, clients, clock } of methods.get(method) ?? []) {
      const evaluations = clientEvaluations(clients);
      if (evaluations.size === 0) continue;
      const all =
        rounds.get(round) ??
        names.map((name): EvaluatedRound => ({ method: name, round, evaluations: new Map() }));
      all[place] = { method, round, clock, evaluations };
      rounds.set(round, all);
    }
  }
  return [...rounds].sort(([a], [b]) => a - b).map(([, all]) => all);
}

/** Lists the values of a metric, of the clients that measured it in every method of a round. */
export function sharedValues(rounds: readonly (readonly EvaluatedRound[])[], metric: string) {
  return rounds.flatMap((methods) => {
    const shared = sharedEvaluations(
      methods.map(({ evaluations }) => evaluations),
      metric,
    );
    return methods.flatMap(({ method, round, clock }, i) => {
      const values = valuesOf(shared[i] ?? new Map<string, never>(), metric);
      return values.length === 0 ? [] : [{ method, round, clock, values }];
    });
  });
}

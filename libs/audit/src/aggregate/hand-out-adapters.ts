import { join } from "node:path";
import { UserError, type Aggregation } from "@fedclair/core";
import { exitCodes } from "@fedclair/core/internal";
import { mean } from "@fedclair/linalg";
import { withRank, type Adapter } from "../adapters/peft.js";
import type { MeasureOptions } from "../refine/measure-losses.js";
import { electForm } from "./elect-form.js";
import { handOutMeasured, type Evaluation } from "./hand-out-measured.js";
import type { SentRound } from "./read-round.js";
import { weighVotes } from "./weigh-votes.js";
import { writeTargets, type Target } from "./write-targets.js";

/** A summary of the adapters that were written. */
export interface HandedOut {
  /** Clients with a personal adapter. */
  readonly personal: readonly string[];
  readonly hasGlobal: boolean;
  /**
   * Share of the energy that does not fit into the adapters' ranks, averaged over adapters and
   * modules.
   */
  readonly discarded: number;
  /** What `--evaluate` measured. */
  readonly evaluation?: Evaluation;
  readonly warnings: readonly string[];
}

interface HandOutOptions {
  /** The clients that `global` is made of. */
  readonly pooled: ReadonlySet<string>;
  /** Rank of the adapters; undefined: the clients' own, and for `global` that of most voters. */
  readonly rank: number | undefined;
  /** Measures which version of its adapter each client should get. */
  readonly evaluate: MeasureOptions | undefined;
}

/**
 * Writes the result of a round: `global`, the adapter for all clients, and `personal/<client>` for
 * each client with an adapter of its own.
 * @throws UserError if `global` loses its energy in the number type and scale of most voters, or if
 * there is nothing to measure
 */
export async function handOut(
  out: string,
  sent: SentRound,
  aggregation: Aggregation,
  { pooled, rank, evaluate }: HandOutOptions,
): Promise<HandedOut> {
  const { adapters, starts, globalStart } = sent;
  const { change, personal = new Map<string, never>(), refined } = aggregation;
  const warnings: string[] = [];
  const resize = (one: Adapter) => (rank === undefined ? one : withRank(one, rank));
  const targets: Target[] = [];
  if (change.length > 0) {
    const elected = electForm(listVoters(sent, pooled), adapters);
    warnings.push(...elected.warnings);
    const like = resize(elected.like);
    targets.push({ name: "global", like, start: globalStart, terms: change });
  }
  const own = [...personal].flatMap(([client, terms]): (Target & { client: string })[] => {
    const like = adapters.get(client);
    if (like === undefined) return [];
    const name = join("personal", client);
    return [{ client, name, like: resize(like), start: starts.get(client), terms }];
  });
  const isMeasured = (client: string) => evaluate !== undefined && refined?.has(client) === true;
  targets.push(...own.filter(({ client }) => !isMeasured(client)));
  const modules = new Map([...adapters.values()][0]?.modules);
  const written = await writeTargets(out, targets, modules);
  const losses = written.flatMap(({ loss }) => loss ?? []);
  if (change.length > 0 && written[0]?.loss !== undefined) throw new UserError(written[0].loss);
  const measured =
    evaluate &&
    (await handOutMeasured(
      out,
      sent,
      aggregation,
      own.filter(({ client }) => isMeasured(client)),
      evaluate,
    ));
  const all = [...written, ...(measured?.written ?? [])];
  return {
    personal: own.map(({ client }) => client),
    hasGlobal: change.length > 0,
    discarded: all.length === 0 ? 0 : mean(all.map(({ discarded }) => discarded)),
    ...(measured && { evaluation: measured.evaluation }),
    warnings: [...warnings, ...losses.map((loss) => `${loss}.`)],
  };
}

/**
 * The pooled clients with their votes on the form of `global`.
 * @throws UserError if there is none, although the aggregator has returned a change for all
 */
function listVoters({ adapters, updates }: SentRound, pooled: ReadonlySet<string>) {
  const voters = updates.filter(({ clientId }) => pooled.has(clientId));
  const weights = weighVotes(voters);
  const picked = [...adapters].flatMap(([name, adapter]) => {
    const weight = weights.get(name);
    return weight === undefined ? [] : [{ adapter, weight }];
  });
  if (picked.length > 0) return picked;
  throw new UserError(
    "the aggregator returned a change for all clients but pooled none, so none can say how global is written",
    exitCodes.stopped,
  );
}

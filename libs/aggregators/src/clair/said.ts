import type { Evidence } from "@fedclair/core";
import { item, Matrix, sum } from "@fedclair/linalg";
import type { Detection } from "./detection/detect.js";
import { excused, judge, silence, union, type Judgement } from "./evidence/judge.js";
import { shareHeld, trusted } from "./evidence/outside.js";
import { overRounds } from "./evidence/over-rounds.js";
import {
  agreeingCore,
  haveCommonPart,
  likenessOf,
  withoutCommon,
  type Likeness,
} from "./evidence/pieces.js";
import { roundStatistics, standingsAfter, type Standings } from "./evidence/standings.js";
import { weighRounds } from "./evidence/weigh-rounds.js";
import { pick } from "./lists.js";
import { commonShares, locate, type Located } from "./locate.js";
import { leastClients, type ClairOptions } from "./options.js";
import { indicesOf, type Client } from "./sanitise.js";
import type { ModulePool } from "./threads/module-pool.js";

/** What is said of the active clients, by index. */
export interface Said extends Pick<Detection, "scores" | "threshold" | "gap"> {
  /** Who counts in what is shared, ascending. */
  readonly pooled: readonly number[];
  /** Why, by client. */
  readonly undecided: ReadonlyMap<number, string>;
  /** Absent without a client. */
  readonly located?: Located;
  /** By client; only with rule `evidence`. */
  readonly evidence?: readonly (readonly Evidence[])[];
  /** K×K, likewise. */
  readonly cosines?: Matrix;
  readonly standings?: Standings | undefined;
}

/** ln of the clients' scores over earlier rounds, by client id. */
export type Memory = ReadonlyMap<string, number>;

interface Known {
  readonly memory: Memory;
  readonly standings: Standings | undefined;
  /** Does the client take part in this round? */
  readonly isPresent: (client: Client) => boolean;
  /** ⟨X_i, X_j⟩ of the clients in a module, if it is known. */
  readonly known: (module: string) => Matrix | undefined;
  /** Is it known that the client began elsewhere than most? */
  readonly isElsewhere: (client: Client) => boolean;
}

/** Steps 1 to 5: the space that the clients share, and who is benign: by the threshold of the scores, or by all evidence. */
export async function sayOf(
  modules: ModulePool,
  clients: readonly Client[],
  options: ClairOptions,
  { memory, standings, isPresent, known, isElsewhere }: Known,
): Promise<Said> {
  if (clients.length === 0) {
    const nobody = { pooled: [], scores: [], undecided: new Map() };
    return { ...nobody, threshold: Infinity, gap: 1, standings };
  }
  const earlier = clients.map(({ id }) => memory.get(id));
  const isTold = options.rule === "evidence";
  const [plain, varying] =
    isTold && clients.length >= leastClients(options)
      ? await likenesses(modules, clients, options, known)
      : [];
  const located = await locate(modules, clients, earlier, options, plain);
  const { benign, scores, threshold, gap, undecided } = located.detection;
  if (!isTold) {
    const reasons = undecided === undefined ? [] : benign.map((k) => [k, undecided] as const);
    return { pooled: benign, scores, threshold, gap, undecided: new Map(reasons), located };
  }
  const judged = async (of: Located, alike: Likeness) => {
    const insideOf = (core: readonly number[]) => commonShares(of.views, core);
    return judge(alike, insideOf, of.detection, options.falseAlarmRate);
  };
  const plainly = plain ? await judged(located, plain) : silence(scores, undecided ?? "");
  let ofRound: Judgement = plainly;
  let shared = located;
  if (varying) {
    const centred = { ...options, centered: true };
    const parted = await locate(modules, clients, [], centred, varying);
    ofRound = union(plainly, await judged(parted, varying));
    // The space of what varies is refined in where it is one: a common part is kept by the mean.
    if (shareHeld(parted.detection) >= trusted) shared = parted;
  }
  ofRound = excused(ofRound, (k) => isElsewhere(item(clients, k)));
  const after =
    standings && plain
      ? await standingsWith(standings, modules, clients, plain.cosines, isPresent, options)
      : standings;
  const judgement = weighRounds(
    ofRound,
    clients.map(({ id }) => id),
    overRounds(after ?? new Map(), options.falseAlarmRate),
  );
  const isSilent = judgement.isSilent && judgement.contaminated.length === 0;
  return {
    ...{ scores: judgement.scores, evidence: judgement.evidence, undecided: judgement.undecided },
    ...{ threshold: isSilent ? Infinity : 1, gap },
    ...{ located: shared, standings: after },
    pooled: options.undecided === "in" ? withUndecided(judgement) : judgement.benign,
    ...(plain && { cosines: plain.cosines }),
  };
}

/**
 * How alike the clients are: their changes, or with option `centered` what varies in them; and, where changes have a large part in
 * common and so are all alike, both.
 */
async function likenesses(
  modules: ModulePool,
  clients: readonly Client[],
  { centered }: Pick<ClairOptions, "centered">,
  known: Known["known"],
): Promise<readonly [Likeness, Likeness?]> {
  const norms = clients.map(({ norm }) => norm);
  const grams = await modules.each(async (module, m) => {
    const gram = known(item(modules.names, m));
    return gram ? overNorms(gram, norms) : module.ask("gram", indicesOf(clients), norms);
  });
  const plain = likenessOf(grams, norms);
  const core = agreeingCore(plain);
  if (!centered && !haveCommonPart(plain, core)) return [plain];
  const varying = withoutCommon(core, grams, norms);
  return centered ? [varying] : [plain, varying];
}

/** Of changes each over its norm. */
function overNorms(gram: Matrix, norms: readonly number[]): Matrix {
  const out = gram.copy();
  norms.forEach((nj, j) => {
    norms.forEach((ni, i) => (out.data[i + j * out.rows] = gram.get(i, j) / ni / nj));
  });
  return out;
}

/** Benign and undecided clients, ascending. */
function withUndecided({ benign, undecided }: Judgement): number[] {
  return [...new Set([...benign, ...undecided.keys()])].sort((i, j) => i - j);
}

/** With this round added. */
async function standingsWith(
  standings: Standings,
  modules: ModulePool,
  clients: readonly Client[],
  cosines: Matrix,
  isPresent: Known["isPresent"],
  options: ClairOptions,
): Promise<Standings> {
  const own = clients.flatMap((client, k) => (isPresent(client) ? [k] : []));
  const present = pick(clients, own);
  if (present.length < leastClients(options)) return standings;
  const ranks = await modules.each((module) => module.ask("effectiveRanks", indicesOf(present)));
  const flatness = present.map((_, k) => sum(ranks.map((of) => item(of, k))) / ranks.length);
  const norms = present.map(({ norm }) => norm);
  const among = cosines.among(own);
  const ids = present.map(({ id }) => id);
  return standingsAfter(standings, ids, roundStatistics(among, norms, flatness));
}

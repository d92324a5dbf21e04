import { controlKinds, type ControlKind } from "@fedclair/clair";
import { UserError } from "@fedclair/core";
import {
  listSeeds,
  readPythonClients,
  seedsSchema,
  type PreparedTrial,
} from "@fedclair/core/internal";
import { loadNamedPlugins } from "@fedclair/plugins";
import {
  chooseTrialBackend,
  drawsData,
  openHere,
  prepareTrial,
  readTrialFile,
  runTrial,
  wilsonInterval,
  type Interval,
  type OpenPlace,
} from "@fedclair/runs";
import { watchClair, type HonestRound } from "./watch-clair.js";

/** A share over rounds, with Wilson's 95 % interval. */
export interface RoundShare extends Interval {
  readonly share: number;
}

/** How many contaminated clients of each kind one round of a trial would find. */
export interface TrialPower {
  readonly trial: string;
  readonly seeds: readonly number[];
  /** Judged rounds, over all seeds. */
  readonly rounds: number;
  /** Judged clients of the first round. */
  readonly clients: number;
  /** The clients that the trial declares contaminated. They took no part, with the first seed. */
  readonly leftOut: readonly string[];
  /** Clients whose truth is unknown. They count as honest. */
  readonly unknown: number;
  readonly kinds: Readonly<
    Record<ControlKind, { readonly flagged: RoundShare; readonly notBenign: RoundShare }>
  >;
  /** Rounds in which an honest client is flagged. */
  readonly falseAlarms: RoundShare;
}

export interface PowerOptions {
  /** Changes to the trial as `option=value`. */
  readonly set?: readonly string[];
  /** A number of seeds, or a list, as YAML; default: that of the trial. */
  readonly seeds?: string | undefined;
  /** Opens the place where the clients run; default: this thread. */
  readonly open?: OpenPlace;
  /** Stops the trials when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a trial without its attacks, plants attackers into every round, and counts those that CLAIR
 * finds. Each of several seeds draws its own data, as in a study. Every round is judged by itself.
 * Clients that the trial declares contaminated are contaminated without an attack, so they take no
 * part.
 * @param file a trial file
 * @throws UserError if the trial has another aggregator, or external clients whose code it does not
 *   name, or if no round has enough clients
 */
export async function measurePower(
  file: string,
  { set = [], seeds, open = openHere, signal = new AbortController().signal }: PowerOptions = {},
): Promise<TrialPower> {
  const overrides = [...set, "baselines=[]", "evaluate=never"];
  const rounds: HonestRound[] = [];
  const { prepared, given, drawsData: isDrawn } = await readSeeds(file, overrides, seeds);
  const all = listSeeds(given, prepared.trial.seed);
  let leftOut: readonly string[] | undefined;
  for (const seed of all) {
    const data = isDrawn ? [`task.dataSeed=${seed}`] : [];
    const declared = await runHonestly(file, [...overrides, "seeds=1", `seed=${seed}`, ...data], {
      open,
      signal,
      onRound: (round) => rounds.push(round),
    });
    leftOut ??= declared;
  }
  const [first] = rounds;
  if (first === undefined) {
    throw new UserError(
      `${file}: no round has enough clients to plant attackers among: expected 6 or more that change something`,
    );
  }
  const shareOf = (valueOf: (round: HonestRound) => number): RoundShare => {
    const hits = rounds.reduce((sum, round) => sum + valueOf(round), 0);
    return { share: hits / rounds.length, ...wilsonInterval(hits, rounds.length) };
  };
  const kinds = controlKinds.map((kind) => [
    kind,
    {
      flagged: shareOf(({ flagged }) => flagged[kind]),
      notBenign: shareOf(({ notBenign }) => notBenign[kind]),
    },
  ]);
  return {
    trial: prepared.trial.name,
    seeds: all,
    rounds: rounds.length,
    clients: first.clients,
    leftOut: leftOut ?? [],
    unknown: prepared.unknown.size,
    kinds: Object.fromEntries(kinds) as TrialPower["kinds"],
    falseAlarms: shareOf(({ hasFalseAlarm }) => (hasFalseAlarm ? 1 : 0)),
  };
}

async function readSeeds(file: string, set: readonly string[], seeds: string | undefined) {
  const { yaml } = readTrialFile(file, seeds === undefined ? set : [...set, `seeds=${seeds}`]);
  const { seeds: found } = (yaml.content ?? {}) as { readonly seeds?: unknown };
  const given = seedsSchema.safeParse(found).data;
  const prepared = await prepareTrial(file, [...set, "seeds=1"], loadNamedPlugins);
  const { name } = prepared.trial.aggregator;
  if (name !== "clair")
    throw new UserError(
      `${file}: aggregator: expected clair, got ${name}: only CLAIR plants attackers`,
    );
  checkExternalClients(file, prepared);
  return {
    prepared,
    given: given ?? 1,
    drawsData: given !== undefined && drawsData(yaml.content, prepared.taskPlugin),
  };
}

function checkExternalClients(file: string, { trial, external }: PreparedTrial): void {
  if (external.size === 0 || readPythonClients(trial)) return;
  throw new UserError(
    `${file}: power starts all clients itself, and ${external.size} of ${trial.clients} are external: name their code in the trial file, ` +
      "as python: my_module:make_client or flower: my_app:app (see docs/python-clients.md)",
  );
}

interface HonestRun {
  readonly open: OpenPlace;
  readonly signal: AbortSignal;
  readonly onRound: (round: HonestRound) => void;
}

/** Runs the trial without its attacks. @returns the declared clients, which took no part */
async function runHonestly(
  file: string,
  set: readonly string[],
  { open, signal, onRound }: HonestRun,
): Promise<readonly string[]> {
  const { trial, contamination } = await prepareTrial(file, set, loadNamedPlugins);
  const declared = [...contamination].flatMap(([id, { attack }]) => (attack.labelOnly ? id : []));
  const honest = [...set, "attacks=[]", ...leaveOut(declared, trial.absent)];
  const prepared = await prepareTrial(file, honest, async (source) =>
    watchClair(await loadNamedPlugins(source), onRound),
  );
  const chosen = chooseTrialBackend([prepared], "auto");
  const { pool, server } = await open(prepared, chosen.name);
  try {
    await pool.ready(signal);
    for await (const { event } of runTrial(prepared, pool, signal)) {
      if (event.kind === "stopped") throw new UserError(`${file}: ${event.reason}`);
    }
  } finally {
    await Promise.all([pool.close(), server?.close()]);
  }
  return declared;
}

/** Adds clients to those that a trial leaves out, as an override. */
function leaveOut(
  clients: readonly string[],
  absent: PreparedTrial["trial"]["absent"] = [],
): readonly string[] {
  if (clients.length === 0) return [];
  const added = new Set(clients);
  const others = absent.flatMap(({ clients: all, from }) => {
    const own = all.filter((id) => !added.has(id));
    return own.length > 0 ? [{ clients: own, from }] : [];
  });
  return [`absent=${JSON.stringify([...others, { clients }])}`];
}

import { deflateRawSync } from "node:zlib";
import { listArms, type ClientRecord, type Trial } from "@fedclair/core/internal";
import {
  clientNumber,
  clientTruth,
  displayName,
  formatNumber,
  isSpaced,
  noDescription,
  readMetric,
  readRun,
  readRunTrial,
  truthText,
  type ArmRecord,
  type RecordReader,
  type Run,
  type TrialDescription,
} from "@fedclair/runs";
import type { Influence } from "./influences.js";

/**
 * The rounds of a run's main arm, for the part of the report in which a reader moves through them.
 * Numbers are texts as everywhere in the report, so that the page shows what the tables show.
 */
export interface RoundsData {
  /** The name of the run folder, for commands. */
  readonly run: string;
  readonly arm: string;
  /** Number of rounds of the arm; not all of them may be in `rounds`. */
  readonly total: number;
  /** One of this many clients is in the rounds. */
  readonly clientSpacing: number;
  /** Display names by index of the client. */
  readonly names: Readonly<Record<number, string>>;
  /** The attack of contaminated clients, or `unknown`, by index; the others are benign. */
  readonly truths: Readonly<Record<number, string>>;
  /** The metric that clients measured on their own data. */
  readonly metric?: string;
  /** The pieces of evidence. */
  readonly kinds: readonly string[];
  /** Texts that rounds refer to by index. */
  readonly texts: readonly string[];
  readonly rounds: readonly RoundData[];
  readonly influences: readonly Influence[];
}

/**
 * One value per client of a round, separated by spaces; a single one if they are all the same. A
 * dash stands for a missing value.
 */
type Column = string;

export interface RoundData {
  readonly round: number;
  /** Indices of the clients, in the order of the columns; empty if as in the round before. */
  readonly ids: string;
  /** One letter per client: the first of its verdict, `f` for a failure, `-` without a verdict. */
  readonly verdicts: string;
  readonly scores: Column;
  readonly thresholds: Column;
  readonly metric: Column;
  /** Indices of `texts`: the reason of a verdict, or of a failure. */
  readonly reasons: Column;
  /**
   * For each kind, the statistics, the deviations, and the number of rounds that they cover; empty
   * if it was left out.
   */
  readonly evidence: readonly (readonly [Column, Column, Column])[];
  /**
   * The modules in which clients lie farthest outside, by the client's index: positions in `texts`
   * and ratios. Absent if there are none; empty if they were left out with the evidence.
   */
  readonly modules?: Readonly<Record<number, readonly (readonly [text: number, ratio: number])[]>>;
}

/** A strip of more clients would not be readable; the live page has the same limit. */
const maxClients = 4096;

/** More values than this are not held while the records are read: about 100 MB. */
const maxValues = 4e6;

/** The letters of verdicts in `RoundData`. */
const letters: Readonly<Record<NonNullable<ClientRecord["verdict"]>, string>> = {
  benign: "b",
  contaminated: "c",
  undecided: "u",
  inactive: "n",
  invalid: "i",
};

/** Evidence is kept in one of at most this many rounds before rounds are left out. */
const maxEvidenceSpacing = 8;

/** A run, and the rounds in its report. */
export interface RunWithRounds {
  readonly run: Run;
  readonly rounds: RoundsTally;
}

/**
 * Reads a run with all that its report shows.
 * @throws UserError as `readRun`
 */
export async function readForReport(
  folder: string,
  description?: TrialDescription,
): Promise<RunWithRounds> {
  const rounds = new RoundsTally(readRunTrial(folder).trial, description);
  return { run: await readRun(folder, description, rounds), rounds };
}

/**
 * Compresses the rounds of the main arm as base64 (raw deflate). Until they fit, it leaves out the
 * evidence of every other round, and then every other round.
 * @param name the name of the run folder
 * @param influences what leaving out clients changed
 * @param maxLength in characters
 * @returns undefined if there is no round
 */
export function packRounds(
  { run, rounds }: RunWithRounds,
  name: string,
  influences: readonly Influence[],
  maxLength: number,
): string | undefined {
  for (;;) {
    const data = rounds.data(run, name, influences);
    if (data.rounds.length === 0) return undefined;
    const text = deflateRawSync(JSON.stringify(data), { level: 9 }).toString("base64");
    if (text.length <= maxLength || !rounds.thin()) return text;
  }
}

/** Collects the rounds of the main arm while records come in. */
export class RoundsTally implements RecordReader {
  readonly #arm: string;
  readonly #description: TrialDescription;
  readonly #clientSpacing: number;
  readonly #names: Record<number, string> = {};
  readonly #truths: Record<number, string> = {};
  readonly #kinds = new Map<string, number>();
  readonly #texts = new Map<string, number>();
  #rounds: RoundData[] = [];
  #last: RoundData | undefined;
  #spacing = 1;
  #evidenceSpacing = 1;
  #values = 0;

  constructor(trial: Trial, description = noDescription) {
    this.#arm = listArms(trial)[0].label;
    this.#description = description;
    this.#clientSpacing = 2 ** Math.max(0, Math.ceil(Math.log2(trial.clients / maxClients)));
  }

  needsEvidence(clientId: string): boolean {
    return isSpaced(clientId, this.#clientSpacing);
  }

  add({ arm, clients: all, ...record }: ArmRecord): void {
    if (arm !== this.#arm) return;
    const clients = all.filter(({ clientId }) => isSpaced(clientId, this.#clientSpacing));
    if (clients.length === 0) return;
    this.#last = this.#toRound({ arm, clients, ...record });
    if ((record.round - 1) % this.#spacing !== 0) return;
    const round = this.#withEvidence(this.#last);
    this.#rounds.push(round);
    this.#values += countValues(round);
    while (this.#values > maxValues && this.thin());
  }

  /**
   * Leaves out the evidence of every other round; where little is left, every other round.
   * @returns whether there was anything to leave out
   */
  thin(): boolean {
    if (this.#rounds.length < 2) return false;
    if (this.#kinds.size > 0 && this.#evidenceSpacing < maxEvidenceSpacing * this.#spacing) {
      this.#evidenceSpacing *= 2;
    } else this.#spacing *= 2;
    this.#rounds = this.#rounds
      .filter(({ round }) => (round - 1) % this.#spacing === 0)
      .map((round) => this.#withEvidence(round));
    this.#values = this.#rounds.reduce((sum, round) => sum + countValues(round), 0);
    return true;
  }

  #withEvidence(round: RoundData): RoundData {
    if ((round.round - 1) % this.#evidenceSpacing === 0) return round;
    return { ...round, evidence: [], ...(round.modules && { modules: {} }) };
  }

  data(run: Run, name: string, influences: readonly Influence[]): RoundsData {
    const { primary } = this.#description;
    const isLastIn = this.#rounds.at(-1)?.round === this.#last?.round;
    const last = isLastIn || !this.#last ? [] : [this.#last];
    return {
      run: name,
      arm: this.#arm,
      total: run.rounds.get(this.#arm) ?? 0,
      clientSpacing: this.#clientSpacing,
      names: this.#names,
      truths: this.#truths,
      ...(primary !== undefined && { metric: primary }),
      kinds: [...this.#kinds.keys()],
      texts: [...this.#texts.keys()],
      rounds: [...this.#rounds, ...last].map((one, i, all) =>
        one.ids === all[i - 1]?.ids ? { ...one, ids: "" } : one,
      ),
      influences,
    };
  }

  #toRound({ round, clients }: ArmRecord): RoundData {
    const indices = clients.map(({ clientId }) => clientNumber(clientId));
    for (const [k, client] of clients.entries()) {
      const index = indices[k] ?? NaN;
      this.#names[index] ??= displayName(client.clientId, this.#description);
      if (clientTruth(client) !== "benign") this.#truths[index] ??= truthText(client);
      for (const piece of client.evidence ?? []) indexOf(this.#kinds, nameOf(piece));
    }
    const metric = this.#description.primary;
    const modules: Record<number, (readonly [number, number])[]> = {};
    for (const [k, { modules: own = [] }] of clients.entries()) {
      if (own.length === 0) continue;
      modules[indices[k] ?? NaN] = own.map(({ module, ratio }) => [
        indexOf(this.#texts, module),
        ratio,
      ]);
    }
    return {
      round,
      ids: indices.join(" "),
      verdicts: clients
        .map(({ verdict, failure }) => (failure ? "f" : verdict ? letters[verdict] : "-"))
        .join(""),
      scores: toColumn(clients.map(({ score }) => score)),
      thresholds: toColumn(clients.map(({ threshold }) => threshold)),
      metric: toColumn(
        clients.map(({ evaluation }) =>
          metric === undefined ? undefined : readMetric(evaluation, metric),
        ),
      ),
      reasons: toColumn(
        clients.map(({ reason, failure }) => {
          const text = failure ? `${failure.code}: ${failure.message}` : reason;
          return text === undefined ? undefined : indexOf(this.#texts, text);
        }),
      ),
      evidence: [...this.#kinds.keys()].map((kind) => {
        const pieces = clients.map(({ evidence }) => evidence?.find((one) => nameOf(one) === kind));
        return [
          toColumn(pieces.map((piece) => piece?.statistic)),
          toColumn(pieces.map((piece) => piece?.deviations)),
          toColumn(pieces.map((piece) => piece?.rounds)),
        ] as const;
      }),
      ...(Object.keys(modules).length > 0 && { modules }),
    };
  }
}

function countValues({ verdicts, evidence, modules = {} }: RoundData): number {
  const listed = Object.values(modules).reduce((sum, { length }) => sum + 2 * length, 0);
  return verdicts.length * (4 + 2 * evidence.length) + listed;
}

/** Names a piece of evidence; one that covers several rounds stands beside that of the round. */
function nameOf({ kind, rounds }: NonNullable<ClientRecord["evidence"]>[number]): string {
  return rounds === undefined ? kind : `${kind} over rounds`;
}

/** The position of a text in a map of texts, to which it is added if it is new. */
function indexOf(texts: Map<string, number>, text: string): number {
  const known = texts.get(text);
  if (known !== undefined) return known;
  texts.set(text, texts.size);
  return texts.size - 1;
}

function toColumn(values: readonly (number | null | undefined)[]): Column {
  const texts = values.map((value) => (value == null ? "–" : formatNumber(value)));
  return texts.every((text) => text === texts[0]) ? (texts[0] ?? "–") : texts.join(" ");
}

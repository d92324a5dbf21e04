import { deflateRawSync } from "node:zlib";
import { listArms, type Trial } from "@fedclair/core/internal";
import {
  isSpaced,
  noDescription,
  readRun,
  readRunTrial,
  type ArmRecord,
  type Run,
  type TrialDescription,
} from "@fedclair/runs";
import { RoundEncoder } from "./encode-rounds.js";
import type { RoundColumns, RoundsData } from "./rounds.js";

/** With more clients, the marks of a strip or the rows of a map would overlap. */
export const maxClients = 4096;

/** More values than this are not held while the records are read: about 100 MB. */
const maxValues = 4e6;

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
  const run = await readRun(folder, description, (record) => {
    rounds.add(record);
  });
  return { run, rounds };
}

/**
 * Compresses the rounds of the main arm as base64 (raw deflate). Until they fit, it leaves out the
 * evidence of every other round, and then every other round.
 * @param name the name of the run folder
 * @param maxLength in characters
 * @returns undefined if there is no round
 */
export function packRounds(
  rounds: RoundsTally,
  name: string,
  maxLength: number,
): string | undefined {
  for (;;) {
    const data = rounds.data(name);
    if (data.rounds.length === 0) return undefined;
    const text = deflateRawSync(JSON.stringify(data), { level: 9 }).toString("base64");
    if (text.length <= maxLength || !rounds.thin()) return text;
  }
}

/** Collects the rounds of the main arm while records come in, of all clients or of a single one. */
export class RoundsTally {
  readonly #arm: string;
  readonly #description: TrialDescription;
  readonly #client: string | undefined;
  readonly #clientSpacing: number;
  readonly #encoder: RoundEncoder;
  #rounds: RoundColumns[] = [];
  #last: RoundColumns | undefined;
  #total = 0;
  #spacing = 1;
  #evidenceSpacing = 1;
  #values = 0;

  /** @param client the id of the only client; undefined: all */
  constructor(trial: Trial, description = noDescription, client?: string) {
    this.#arm = listArms(trial)[0].label;
    this.#description = description;
    this.#client = client;
    this.#clientSpacing = 2 ** Math.max(0, Math.ceil(Math.log2(trial.clients / maxClients)));
    this.#encoder = new RoundEncoder(description);
  }

  add({ arm, round, clients }: Pick<ArmRecord, "arm" | "round" | "clients">): void {
    if (arm !== this.#arm) return;
    this.#total++;
    const last = this.#encode(round, clients);
    if (!last) return;
    this.#last = last;
    if ((round - 1) % this.#spacing !== 0) return;
    const kept = this.#withEvidence(last);
    this.#rounds.push(kept);
    this.#values += countValues(kept);
    while (this.#values > maxValues && this.thin());
  }

  #encode(round: number, all: ArmRecord["clients"]): RoundColumns | undefined {
    if (this.#client !== undefined) {
      const client = all.find(({ clientId }) => clientId === this.#client);
      return client && this.#encoder.encodeClient(round, client);
    }
    const clients = all.filter(({ clientId }) => isSpaced(clientId, this.#clientSpacing));
    return clients.length === 0 ? undefined : this.#encoder.encode({ round, clients });
  }

  /**
   * Leaves out the evidence of every other round; where little is left, every other round.
   * @returns whether there was anything to leave out
   */
  thin(): boolean {
    if (this.#rounds.length < 2) return false;
    const hasEvidence = this.#encoder.kinds.length > 0;
    if (hasEvidence && this.#evidenceSpacing < maxEvidenceSpacing * this.#spacing) {
      this.#evidenceSpacing *= 2;
    } else this.#spacing *= 2;
    this.#rounds = this.#rounds
      .filter(({ round }) => (round - 1) % this.#spacing === 0)
      .map((round) => this.#withEvidence(round));
    this.#values = this.#rounds.reduce((sum, round) => sum + countValues(round), 0);
    return true;
  }

  #withEvidence(round: RoundColumns): RoundColumns {
    if ((round.round - 1) % this.#evidenceSpacing === 0) return round;
    return { ...round, evidence: [], ...(round.modules && { modules: {} }) };
  }

  /** @param name the name of the run folder */
  data(name: string): RoundsData {
    const { primary } = this.#description;
    const { names, truths, kinds, texts } = this.#encoder;
    const isLastIn = this.#rounds.at(-1)?.round === this.#last?.round;
    const last = isLastIn || !this.#last ? [] : [this.#last];
    return {
      run: name,
      arm: this.#arm,
      total: this.#total,
      clientSpacing: this.#clientSpacing,
      names,
      truths,
      ...(primary !== undefined && { metric: primary }),
      kinds,
      texts,
      rounds: [...this.#rounds, ...last].map((one, i, all) =>
        one.ids === all[i - 1]?.ids ? { ...one, ids: "" } : one,
      ),
    };
  }
}

function countValues({ verdicts, evidence = [], modules = {} }: RoundColumns): number {
  const listed = Object.values(modules).reduce((sum, { length }) => sum + 2 * length, 0);
  return verdicts.length * (4 + 2 * evidence.length) + listed;
}

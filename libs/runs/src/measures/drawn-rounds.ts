import type { ArmRecord } from "./arm-record.js";

/** More points on one line would not be visible, and would make a figure slow to open. */
const maxRounds = 300;
/** The records of more clients, over all rounds, would fill the memory: about 100 MB. */
const maxClients = 200_000;

/**
 * Selects the records that figures draw while rounds come in: all rounds of a short run, otherwise
 * at most 300 evenly spaced ones, and always the last record of each arm. If they have more than
 * 200,000 clients together, evenly spaced clients of each are drawn. Both spacings are powers of
 * two that double when there are too many. They are the same in all arms.
 */
export class DrawnRounds {
  #spacing = 1;
  #clientSpacing = 1;
  #clients = 0;
  #records: ArmRecord[] = [];

  add(record: ArmRecord): void {
    while (record.round > maxRounds * this.#spacing) this.#double();
    if (!this.#isSpaced(record)) return;
    this.#records.push(thin(record, this.#clientSpacing));
    this.#clients += this.#records.at(-1)?.clients.length ?? 0;
    // A single record with very many clients can be thinned no further than to one of them.
    while (this.#clients > Math.max(maxClients, this.#records.length)) {
      this.#clientSpacing *= 2;
      this.#replace(this.#records.map((one) => thin(one, 2)));
    }
  }

  /** The number of clients of a round of which one is drawn. */
  get clientSpacing(): number {
    return this.#clientSpacing;
  }

  #replace(records: ArmRecord[]): void {
    this.#records = records;
    this.#clients = records.reduce((total, { clients }) => total + clients.length, 0);
  }

  #double(): void {
    this.#spacing *= 2;
    this.#replace(this.#records.filter((record) => this.#isSpaced(record)));
  }

  #isSpaced({ round }: ArmRecord): boolean {
    return (round - 1) % this.#spacing === 0;
  }

  /**
   * Lists the selected records arm by arm, in the order of rounds.
   * @param last the last record of each arm
   */
  records(last: ReadonlyMap<string, ArmRecord>): ArmRecord[] {
    return [...last].flatMap(([arm, own]) => {
      const spaced = this.#records.filter((record) => record.arm === arm);
      return this.#isSpaced(own) ? spaced : [...spaced, thin(own, this.#clientSpacing)];
    });
  }
}

/** Keeps every `spacing`-th client of a record, the first one included. */
function thin(record: ArmRecord, spacing: number): ArmRecord {
  if (spacing === 1) return record;
  return { ...record, clients: record.clients.filter((_, i) => i % spacing === 0) };
}

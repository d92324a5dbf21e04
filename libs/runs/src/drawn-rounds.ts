import type { ArmRecord } from "./arm-record.js";

/** More points on one line would not be visible, and would make a figure slow to open. */
const maxRounds = 300;

/**
 * Selects the records that figures draw while rounds come in: all rounds of a short run, otherwise
 * at most 300 evenly spaced ones, and always the last record of each arm. The spacing is a power of
 * two that doubles when there are too many records. It is the same in all arms.
 */
export class DrawnRounds {
  #spacing = 1;
  #records: ArmRecord[] = [];

  add(record: ArmRecord): void {
    while (record.round > maxRounds * this.#spacing) this.#double();
    if (this.#isSpaced(record)) this.#records.push(record);
  }

  #double(): void {
    this.#spacing *= 2;
    this.#records = this.#records.filter((record) => this.#isSpaced(record));
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
      return this.#isSpaced(own) ? spaced : [...spaced, own];
    });
  }
}

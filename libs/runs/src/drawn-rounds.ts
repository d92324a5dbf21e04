import type { ArmRecord } from "./arm-record.js";

/** Points of one line beyond which more would show no more, and make a file that is slow to open. */
const mostRounds = 300;

/**
 * Keeps the records that figures draw, while rounds come in: of all rounds, or of evenly spaced ones, at most 300, and of
 * the last of each arm. The spacing is a power of two, which doubles when too many have come: it is the same in all arms.
 */
export class DrawnRounds {
  #spacing = 1;
  #records: ArmRecord[] = [];

  add(record: ArmRecord): void {
    while (record.round > mostRounds * this.#spacing) this.#double();
    if (this.#isSpaced(record)) this.#records.push(record);
  }

  #double(): void {
    this.#spacing *= 2;
    this.#records = this.#records.filter((record) => this.#isSpaced(record));
  }

  #isSpaced({ round }: ArmRecord): boolean {
    return (round - 1) % this.#spacing === 0;
  }

  /** Arm by arm, in the order of rounds. @param last record of each arm */
  records(last: ReadonlyMap<string, ArmRecord>): ArmRecord[] {
    return [...last].flatMap(([arm, own]) => {
      const spaced = this.#records.filter((record) => record.arm === arm);
      return this.#isSpaced(own) ? spaced : [...spaced, own];
    });
  }
}

/** An error of the aggregator, the task, an attack or a mod in a round: it ends the arm, not the trial. */
export class ArmFault extends Error {
  /** @param cause what was thrown */
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = "ArmFault";
  }
}

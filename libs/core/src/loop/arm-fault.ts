/** An error of a plug-in in a round, which ends the arm but not the trial. */
export class ArmFault extends Error {
  /** @param cause the value that was thrown */
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = "ArmFault";
  }
}

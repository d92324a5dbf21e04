import { UserError } from "../words/errors.js";

/** An error of a plug-in in a round, which ends the arm but not the trial. */
export class ArmFault extends Error {
  /**
   * @param thrown becomes the cause, whose location is reported. The message of a `UserError` says
   * what to change, and it may come from a check of fedclair's, so only its own cause counts.
   */
  constructor(message: string, thrown: unknown) {
    super(message, { cause: thrown instanceof UserError ? thrown.cause : thrown });
    this.name = "ArmFault";
  }
}

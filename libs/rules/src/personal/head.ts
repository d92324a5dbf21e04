import { pickModules, UserError, type Params, type PersonalMethod } from "@fedclair/core";
import { z } from "zod";

/** The option of methods that share the body of a model and keep its head. */
export const headOption = {
  head: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Modules that each client keeps for itself. Default: the last one of the model."),
};

/** The parts of a model that is split into a shared body and a head of each client's own. */
export class SplitModel implements Pick<PersonalMethod, "sends" | "start" | "model"> {
  readonly #head: readonly string[] | undefined;

  constructor(head: readonly string[] | undefined) {
    this.#head = head;
  }

  /** Lists the modules of the head. @throws UserError if they are no modules, or all of them */
  head(modules: readonly string[]): readonly string[] {
    const head = this.#head ?? modules.slice(-1);
    const stranger = head.find((name) => !modules.includes(name));
    if (stranger !== undefined)
      throw new UserError(
        `head: the model has no module '${stranger}'; expected some of ${modules.join(", ")}`,
      );
    if (new Set(head).size < modules.length) return head;
    throw new UserError(
      `head: ${head.join(", ")} is all of the model, so nothing would be shared; choose a model of several modules, such as mlp, or a smaller head`,
    );
  }

  readonly sends = (modules: readonly string[]): readonly string[] => {
    const head = this.head(modules);
    return modules.filter((name) => !head.includes(name));
  };

  readonly start = (shared: Params): Params => pickModules(shared, this.head([...shared.keys()]));

  readonly model = ({ shared, own }: Readonly<Record<"shared" | "own", Params>>): Params =>
    new Map([...shared, ...own]);
}

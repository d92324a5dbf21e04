import type { Part } from "./part.js";

/** The methods of a part. */
export type Method = {
  [M in keyof Part]: Part[M] extends (...args: never[]) => unknown ? M : never;
}[keyof Part];

export type Answer<M extends Method> = Awaited<ReturnType<Part[M]>>;

/** The parts of all modules, wherever they lie. */
export interface Parts {
  /** Calls a method of every part. @returns the answers, in the order of the modules */
  each<M extends Method>(method: M, ...args: Parameters<Part[M]>): Promise<Answer<M>[]>;
  /** Lets go of them; nothing may be asked any more. */
  close(): void;
}

/** Parts that lie in this thread. */
export function here(parts: readonly Part[]): Parts {
  return {
    each<M extends Method>(method: M, ...args: Parameters<Part[M]>) {
      type Call = (this: Part, ...args: Parameters<Part[M]>) => Promise<Answer<M>> | Answer<M>;
      const call = async (part: Part) => (part[method] as unknown as Call).apply(part, args);
      return Promise.all(parts.map(call));
    },
    close: () => undefined,
  };
}

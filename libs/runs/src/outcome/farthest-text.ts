import { printable, type ClientRecord } from "@fedclair/core/internal";

/** Names of modules may be long; the end of one says which layer it is. */
const maxName = 48;

/**
 * Names the module in which a client differs most from benign ones, as `farthest in output (2.33 ×
 * the usual distance)`; undefined if the record lists none.
 */
export function farthestText({ modules }: Pick<ClientRecord, "modules">): string | undefined {
  const [first] = modules ?? [];
  if (!first) return undefined;
  const { module, ratio } = first;
  const name = module.length > maxName ? `…${module.slice(1 - maxName)}` : module;
  return `farthest in ${printable(name, 4 * maxName)} (${ratio} × the usual distance)`;
}

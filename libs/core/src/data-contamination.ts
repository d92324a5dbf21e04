import type { DataContamination, Task } from "./contracts.js";

/**
 * The contamination with its options' defaults filled in.
 * @throws Error that says what to change when the task does not know the kind, or the options are not its own
 */
export function checkContamination(
  { kind, options }: DataContamination,
  { contaminations = new Map() }: Pick<Task, "contaminations">,
): DataContamination {
  const schema = contaminations.get(kind);
  if (!schema) {
    const known = [...contaminations.keys()].join(", ") || "none";
    throw new Error(`expected a kind of contaminated data that the task knows (${known})`);
  }
  const { data, error } = schema.safeParse(options);
  if (error) throw new Error(error.issues.map((i) => [...i.path, i.message].join(": ")).join("; "));
  return { kind, options: data };
}

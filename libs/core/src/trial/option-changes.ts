import type { Plugins } from "../contracts/plugin.js";
import { trialSchema, type Trial } from "./trial.js";

/** An option of a trial whose value differs from its default, or that has no default. */
export interface OptionChange {
  /** The keys that lead to it, such as `task.localSteps`. */
  readonly path: string;
  readonly value: unknown;
}

/**
 * Lists the options of a trial that are not at their defaults, in the order of the trial. An option
 * is at its default if the trial stays the same without it.
 */
export function listOptionChanges(trial: Trial, plugins: Plugins): OptionChange[] {
  const schema = trialSchema(plugins);
  const whole = JSON.stringify(trial);
  const filled = JSON.stringify(schema.safeParse(trial).data);
  const isDefault = (path: readonly string[]) => {
    const copy = JSON.parse(whole) as object;
    const parent = path
      .slice(0, -1)
      .reduce<object>((at, key) => Reflect.get(at, key) as object, copy);
    Reflect.deleteProperty(parent, path.at(-1) ?? "");
    return JSON.stringify(schema.safeParse(copy).data) === filled;
  };
  const list = (value: unknown, path: readonly string[]): OptionChange[] => {
    if (!isNested(value)) return [{ path: path.join("."), value }];
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    // Entries of a list have no defaults.
    const changed = Array.isArray(value)
      ? entries
      : entries.filter(([key]) => !isDefault([...path, key]));
    return changed.flatMap(([key, inner]) => list(inner, [...path, key]));
  };
  return list(trial, []);
}

/** Does a value have options of its own? Lists of names and numbers are one value. */
function isNested(value: unknown): value is object {
  if (Array.isArray(value)) return value.length > 0 && value.every(isNested);
  return typeof value === "object" && value !== null;
}

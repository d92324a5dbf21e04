import { UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";
import { describeValue } from "../words/describe-value.js";

/**
 * Of a state that a plug-in hands back: does it come from a checkpoint as it goes in? An object of a class would come without
 * its methods, and a run that goes on would end otherwise than one that was not cut off.
 * @param whose for the message: `the aggregator's state`
 * @throws UserError naming the place of what is no JSON value, typed array, map, set or array of these
 */
export function checkStorable(whose: string, state: unknown): void {
  const seen = new Set<object>();
  const check = (value: unknown, path: string): void => {
    if (typeof value === "function" || typeof value === "symbol") throw refused(value, path);
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) {
      if (value instanceof DataView) throw refused(value, path);
    } else if (Array.isArray(value)) {
      for (const [i, one] of value.entries()) check(one, `${path}[${i}]`);
    } else if (value instanceof Map) {
      for (const [key, one] of value) {
        check(key, `${path}, a key`);
        check(one, `${path}.get(${excerpt(String(key))})`);
      }
    } else if (value instanceof Set) {
      for (const one of value) check(one, `${path}, a member`);
    } else {
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) throw refused(value, path);
      for (const [key, one] of Object.entries(value)) check(one, `${path}.${excerpt(key)}`);
    }
  };
  const refused = (value: unknown, path: string) =>
    new UserError(
      `${whose}${path}: expected JSON values, typed arrays, and maps and arrays of these, which can be stored, got ${describeValue(value)}`,
    );
  check(state, "");
}

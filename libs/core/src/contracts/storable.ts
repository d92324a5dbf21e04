import { UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";
import { isStored } from "../tensors/tensor.js";
import { describeValue } from "../words/describe-value.js";

/**
 * Checks that a checkpoint restores a plug-in's state unchanged. An object of a class would lose
 * its methods, and a resumed run would then differ from an uninterrupted one.
 * @param whose the state, for the message: `the aggregator's state`
 * @throws UserError with the path of a value that is not a JSON value, typed array, tensor, map,
 * set or array
 */
export function checkStorable(whose: string, state: unknown): void {
  const visited = new Set<object>();
  // The path is put together for an error only: a state may have a million values.
  const check = (value: unknown, path: () => string): void => {
    if (typeof value === "function" || typeof value === "symbol") throw createFault(value, path());
    if (typeof value !== "object" || value === null || visited.has(value)) return;
    visited.add(value);
    if (isStored(value)) return; // its numbers are read when the state is written
    if (ArrayBuffer.isView(value)) {
      if (value instanceof DataView) throw createFault(value, path());
    } else if (Array.isArray(value)) {
      for (const [i, entry] of value.entries()) check(entry, () => `${path()}[${i}]`);
    } else if (value instanceof Map) {
      for (const [key, entry] of value) {
        check(key, () => `${path()}, a key`);
        check(entry, () => `${path()}.get(${excerpt(String(key))})`);
      }
    } else if (value instanceof Set) {
      for (const member of value) check(member, () => `${path()}, a member`);
    } else {
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) throw createFault(value, path());
      for (const [key, field] of Object.entries(value))
        check(field, () => `${path()}.${excerpt(key)}`);
    }
  };
  const createFault = (value: unknown, path: string) =>
    new UserError(
      `${whose}${path}: expected JSON values, typed arrays, and maps and arrays of these, which can be stored, got ${describeValue(value)}`,
    );
  check(state, () => "");
}

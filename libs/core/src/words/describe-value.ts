import { errorMessage } from "./errors.js";

/** Describes a value of the wrong type for an error message. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return `'${errorMessage(value).slice(0, 80)}'`;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Promise) return "a promise: is an await missing?";
  if (Array.isArray(value)) return "an array";
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  const { name } = (value.constructor as { readonly name?: unknown } | undefined) ?? {};
  return typeof name === "string" && name !== "" && name !== "Object"
    ? `a ${errorMessage(name)}`
    : "an object";
}

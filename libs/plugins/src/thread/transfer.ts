import { readNumbers } from "@fedclair/core";
import { isStored } from "@fedclair/core/internal";

/**
 * Copies a value into a form that can be posted to a thread. Numbers on a disk are read, and a view
 * of a part of a buffer becomes an array of its own, as posting it would post the whole buffer. An
 * object that several values share stays one object.
 * @param value maps, sets, arrays, plain objects, tensors, typed arrays and primitive values
 */
export function toPostable(value: unknown, copies = new Map<object, unknown>()): unknown {
  if (typeof value !== "object" || value === null || value instanceof Set) return value;
  const copy = copies.get(value) ?? copyObject(value, (part) => toPostable(part, copies));
  copies.set(value, copy);
  return copy;
}

function copyObject(value: object, copyPart: (part: unknown) => unknown): unknown {
  if (ArrayBuffer.isView(value)) return toOwnBuffer(value);
  if (Array.isArray(value)) return value.map(copyPart);
  if (value instanceof Map) return new Map([...value].map(([key, part]) => [key, copyPart(part)]));
  if (isStored(value)) return { shape: value.shape, data: readNumbers(value) };
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copyPart(part)]));
}

function toOwnBuffer(view: ArrayBufferView): ArrayBufferView {
  const isWhole = view.byteLength === view.buffer.byteLength;
  return isWhole || view instanceof DataView ? view : (view as Float64Array).slice();
}

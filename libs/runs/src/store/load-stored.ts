import type { Dense, Stored } from "@fedclair/core";
import { isStored, loadTensor } from "@fedclair/core/internal";

/**
 * Reads the stored tensors of a value into memory, because their files end with the process. Only
 * the parts that contain one are copied. Objects that several places share, or that contain
 * themselves, stay so.
 * @param loadOne what takes the place of a stored tensor; default: its numbers in memory
 */
export function loadStored(
  value: unknown,
  loadOne: (tensor: Stored) => Dense = loadTensor,
): unknown {
  const holders = findHolders(value);
  const copies = new Map<object, object>();
  const load = (part: unknown): unknown => {
    if (!isObject(part) || !holders.has(part)) return part;
    return copies.get(part) ?? copy(part);
  };
  const copy = (part: object): object => {
    const remember = <T extends object>(copied: T): T => {
      copies.set(part, copied);
      return copied;
    };
    if (isStored(part)) return remember(loadOne(part));
    if (Array.isArray(part)) {
      const array = remember<unknown[]>([]);
      for (const entry of part as unknown[]) array.push(load(entry));
      return array;
    }
    if (part instanceof Map) {
      const map = remember(new Map<unknown, unknown>());
      for (const [key, entry] of part) map.set(load(key), load(entry));
      return map;
    }
    if (part instanceof Set) {
      const set = remember(new Set<unknown>());
      for (const member of part) set.add(load(member));
      return set;
    }
    // Without a prototype, so that a key may be `__proto__`.
    const object = remember(Object.create(null) as Record<string, unknown>);
    for (const [key, field] of Object.entries(part)) object[key] = load(field);
    return object;
  };
  return load(value);
}

/** Finds the stored tensors of a value, and all objects that contain one at any depth. */
function findHolders(value: unknown): ReadonlySet<object> {
  const visited = new Set<object>();
  const holders = new Set<unknown>();
  const visit = (part: unknown): void => {
    if (!isObject(part) || visited.has(part)) return;
    visited.add(part);
    if (isStored(part)) holders.add(part);
    else for (const child of listChildren(part)) visit(child);
  };
  visit(value);
  // Innermost first, so that one pass finds all of them, unless an object contains itself.
  const innermostFirst = holders.size > 0 ? [...visited].reverse() : [];
  let found = 0;
  do {
    found = holders.size;
    for (const part of innermostFirst) {
      if (listChildren(part).some((child) => holders.has(child))) holders.add(part);
    }
  } while (holders.size > found);
  return holders as ReadonlySet<object>;
}

/** Lists what a map, set, array or plain object contains; nothing for any other object. */
function listChildren(part: object): readonly unknown[] {
  if (Array.isArray(part)) return part as unknown[];
  if (part instanceof Set) return [...(part as Set<unknown>)];
  if (part instanceof Map)
    return [...(part as Map<unknown, unknown>).keys(), ...(part as Map<unknown, unknown>).values()];
  const prototype: unknown = Object.getPrototypeOf(part);
  return prototype === Object.prototype || prototype === null ? Object.values(part) : [];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

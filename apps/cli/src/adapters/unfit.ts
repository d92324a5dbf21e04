import { shapeText, type LowRank, type Tensor } from "@fedclair/core";
import { readPair, type Adapter, type FiledPair } from "./peft.js";

type Modules = Adapter["modules"];

/** Why adapters cannot be compared with most of the others, by name: they change other modules, or of other shapes. */
export function formFaults(adapters: ReadonlyMap<string, Adapter>): Map<string, string> {
  const faults = new Map<string, string>();
  const usual = commonest([...adapters.values()].map(({ modules }) => modules));
  for (const [name, { modules }] of adapters) {
    const fault = usual && formFault(modules, usual);
    if (fault !== undefined) faults.set(name, fault);
  }
  return faults;
}

/** The first entry of a module that is no number, or infinite. */
export function numberFault(module: string, { b, a }: LowRank): string | undefined {
  for (const [half, { data }] of [
    ["A", a],
    ["B", b],
  ] as const) {
    if (areFinite(data)) continue;
    const i = data.findIndex((x) => !Number.isFinite(x));
    return `${module}.lora_${half}: entry ${i} is ${data[i]}`;
  }
  return undefined;
}

/** A sum of zeros, unless one is infinite or no number: a third of the time that asking each takes. */
function areFinite(data: Tensor["data"]): boolean {
  let zero = 0;
  for (let i = 0; i < data.length; i++) zero += (data[i] as number) * 0;
  return zero === 0;
}

/** The modules and shapes that most have, the first seen of equally many. */
function commonest(all: readonly Modules[]): Modules | undefined {
  const counts = new Map<string, { modules: Modules; count: number }>();
  for (const modules of all) {
    const form = [...modules].map(([name, pair]) => `${name} ${shapeOf(pair)}`);
    const key = form.sort().join("\n");
    const known = counts.get(key);
    counts.set(key, { modules: known?.modules ?? modules, count: (known?.count ?? 0) + 1 });
  }
  return [...counts.values()].reduce<{ modules?: Modules; count: number }>(
    (most, one) => (one.count > most.count ? one : most),
    { count: 0 },
  ).modules;
}

function formFault(modules: Modules, usual: Modules): string | undefined {
  const missing = [...usual.keys()].filter((name) => !modules.has(name));
  if (missing[0] !== undefined) return `${few(missing)} missing, which most adapters have`;
  const extra = [...modules.keys()].filter((name) => !usual.has(name));
  if (extra[0] !== undefined) return `${few(extra)}, which most adapters do not have`;
  for (const [name, pair] of modules) {
    const wanted = usual.get(name);
    const [got, most] = [shapeOf(pair), wanted && shapeOf(wanted)];
    if (got !== most) return `${name} changes ${got}, most adapters ${most ?? ""}`;
  }
  return undefined;
}

function few(names: readonly string[]): string {
  return names.length === 1
    ? `module ${names[0] ?? ""}`
    : `module ${names[0] ?? ""} and ${names.length - 1} more`;
}

/** Of the change, p×q. */
function shapeOf({ b, a }: FiledPair): string {
  return shapeText([b.shape[0] ?? 0, a.shape[1] ?? 0]);
}

/** A few numbers of a pair: what differs in them is not the same. */
export function sampleOf({ b, a }: LowRank): string {
  return [b, a].flatMap(({ data }) => [data[0], data[data.length >> 1], data.at(-1)]).join();
}

/**
 * Groups of adapters that hold the same numbers, of two and more. All numbers are read again, and compared, only of adapters that are
 * alike in a few.
 * @param samples by adapter, by module
 */
export function identical(
  adapters: ReadonlyMap<string, Adapter>,
  samples: ReadonlyMap<string, readonly string[]>,
): string[][] {
  const groups = new Map<string, { adapter: Adapter; names: string[] }[]>();
  for (const [name, adapter] of adapters) {
    const key = (samples.get(name) ?? []).join(";");
    const alike = groups.get(key) ?? [];
    groups.set(key, alike);
    const same = alike.find((group) => isSame(group.adapter, adapter));
    if (same) same.names.push(name);
    else alike.push({ adapter, names: [name] });
  }
  return [...groups.values()].flat().flatMap(({ names }) => (names.length > 1 ? [names] : []));
}

function isSame(x: Adapter, y: Adapter): boolean {
  return [...x.modules].every(([name, pair]) => {
    const other = y.modules.get(name);
    if (other === undefined) return false;
    const [one, two] = [readPair(pair), readPair(other)];
    return equal(one.b.data, two.b.data) && equal(one.a.data, two.a.data);
  });
}

function equal(x: ArrayLike<number>, y: ArrayLike<number>): boolean {
  if (x.length !== y.length) return false;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return true;
}

import { deltaShape, shapeText, type LowRank } from "@fedclair/core";

type Modules = ReadonlyMap<string, LowRank>;

/** Why adapters cannot be compared with most of the others, by name: numbers that are none, other modules or shapes. */
export function unfit(adapters: ReadonlyMap<string, Modules>): Map<string, string> {
  const faults = new Map<string, string>();
  for (const [name, modules] of adapters) {
    const fault = numberFault(modules);
    if (fault !== undefined) faults.set(name, fault);
  }
  const sound = [...adapters].filter(([name]) => !faults.has(name));
  const usual = commonest(sound.map(([, modules]) => modules));
  for (const [name, modules] of sound) {
    const fault = usual && formFault(modules, usual);
    if (fault !== undefined) faults.set(name, fault);
  }
  return faults;
}

/** The first entry that is no number, or infinite. */
function numberFault(modules: Modules): string | undefined {
  for (const [name, { b, a }] of modules) {
    for (const [half, { data }] of [
      ["A", a],
      ["B", b],
    ] as const) {
      for (let i = 0; i < data.length; i++) {
        const x = data[i] as number;
        if (!Number.isFinite(x)) return `${name}.lora_${half}: entry ${i} is ${x}`;
      }
    }
  }
  return undefined;
}

/** The modules and shapes that most have, the first seen of equally many. */
function commonest(all: readonly Modules[]): Modules | undefined {
  const counts = new Map<string, { modules: Modules; count: number }>();
  for (const modules of all) {
    const form = [...modules].map(([name, pair]) => `${name} ${shapeText(deltaShape(pair))}`);
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
    const [got, most] = [pair, wanted].map((one) => one && shapeText(deltaShape(one)));
    if (got !== most) return `${name} changes ${got ?? ""}, most adapters ${most ?? ""}`;
  }
  return undefined;
}

function few(names: readonly string[]): string {
  return names.length === 1
    ? `module ${names[0] ?? ""}`
    : `module ${names[0] ?? ""} and ${names.length - 1} more`;
}

/** Groups of adapters that hold the same numbers, of two and more. */
export function identical(adapters: ReadonlyMap<string, Modules>): string[][] {
  // All numbers are compared only of adapters that are alike in a few.
  const groups = new Map<string, { modules: Modules; names: string[] }[]>();
  for (const [name, modules] of adapters) {
    const key = JSON.stringify([...modules].map(([module, pair]) => [module, ...someOf(pair)]));
    const alike = groups.get(key) ?? [];
    groups.set(key, alike);
    const same = alike.find((group) => isSame(group.modules, modules));
    if (same) same.names.push(name);
    else alike.push({ modules, names: [name] });
  }
  return [...groups.values()].flat().flatMap(({ names }) => (names.length > 1 ? [names] : []));
}

function someOf({ b, a }: LowRank): (number | undefined)[] {
  return [b, a].flatMap(({ data }) => [data[0], data[data.length >> 1], data.at(-1)]);
}

function isSame(x: Modules, y: Modules): boolean {
  return [...x].every(([name, { b, a }]) => {
    const other = y.get(name);
    return other !== undefined && equal(b.data, other.b.data) && equal(a.data, other.a.data);
  });
}

function equal(x: ArrayLike<number>, y: ArrayLike<number>): boolean {
  if (x.length !== y.length) return false;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return true;
}

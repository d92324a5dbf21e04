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

/** Groups of adapters that change the same by the same numbers, of two and more. */
export function identical(adapters: ReadonlyMap<string, Modules>): string[][] {
  const groups = new Map<string, string[]>();
  for (const [name, modules] of adapters) {
    const key = fingerprint(modules);
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()].filter(({ length }) => length > 1);
}

/** Sums tell numbers apart that differ anywhere but by chance. */
function fingerprint(modules: Modules): string {
  return [...modules]
    .map(([name, pair]) => {
      const sums = [pair.b, pair.a].map(({ data }) => {
        let [plain, weighted] = [0, 0];
        for (let i = 0; i < data.length; i++) {
          const x = data[i] as number;
          plain += x;
          weighted += x * Math.sin(i + 1);
        }
        return `${plain} ${weighted}`;
      });
      return `${name} ${sums.join(" ")}`;
    })
    .sort()
    .join("\n");
}

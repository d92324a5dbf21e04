import { maxAbs, readNumbers, shapeText, type LowRank } from "@fedclair/core";
import { maxChange } from "@fedclair/core/internal";
import { areEqual } from "@fedclair/linalg";
import { findMisfits, type Misfits } from "./find-misfits.js";
import { readScaledPair, type Adapter, type PairInFile } from "./peft.js";

type Modules = Adapter["modules"];

/** Finds adapters that have other modules or shapes than the largest group. */
export function findFormFaults(adapters: ReadonlyMap<string, Adapter>): Misfits {
  const modules = new Map([...adapters].map(([name, { modules }]) => [name, modules]));
  return findMisfits(modules, formatForm, describeFormFault);
}

/**
 * Describes the first entry of a module that is NaN or infinite, or a change of a size that no
 * round of a trial admits; undefined if there is neither. Some aggregators would fail on it, which
 * would end the round for all.
 */
export function findNumberFault(module: string, { b, a }: LowRank): string | undefined {
  let most = a.shape[0] ?? 0; // no entry of B·A is larger than rank · max|B| · max|A|
  for (const [half, tensor] of [
    ["A", a],
    ["B", b],
  ] as const) {
    const data = readNumbers(tensor);
    const size = maxAbs(data);
    most *= size;
    if (Number.isFinite(size)) continue; // faster than the search
    const i = data.findIndex((x) => !Number.isFinite(x));
    return `${module}.lora_${half}: entry ${i} is ${data[i]}`;
  }
  if (most <= maxChange.f32) return undefined;
  return `${module}: B·A may reach ${most.toPrecision(2)}, expected at most ${maxChange.f32}`;
}

/** Writes modules and shapes so that adapters which can be compared have the same text. */
function formatForm(modules: Modules): string {
  const form = [...modules].map(([name, pair]) => `${name} ${formatShape(pair)}`);
  return form.sort().join("\n");
}

function describeFormFault(modules: Modules, usual: Modules): string | undefined {
  const missing = [...usual.keys()].filter((name) => !modules.has(name));
  if (missing[0] !== undefined)
    return `${formatModules(missing)} missing, which the compared adapters have`;
  const extra = [...modules.keys()].filter((name) => !usual.has(name));
  if (extra[0] !== undefined)
    return `${formatModules(extra)}, which the compared adapters do not have`;
  for (const [name, pair] of modules) {
    const wanted = usual.get(name);
    const [got, usually] = [formatShape(pair), wanted && formatShape(wanted)];
    if (got !== usually) return `${name} changes ${got}, the compared adapters ${usually ?? ""}`;
  }
  return undefined;
}

function formatModules(names: readonly string[]): string {
  return names.length === 1
    ? `module ${names[0] ?? ""}`
    : `module ${names[0] ?? ""} and ${names.length - 1} more`;
}

/** Formats the shape of the change, p×q. */
function formatShape({ b, a }: PairInFile): string {
  return shapeText([b.shape[0] ?? 0, a.shape[1] ?? 0]);
}

/** Joins a few numbers of a pair. Pairs that differ in them are not identical. */
export function sampleNumbers({ b, a }: LowRank): string {
  return [b, a]
    .map(readNumbers)
    .flatMap((data) => [data[0], data[data.length >> 1], data.at(-1)])
    .join();
}

/**
 * Finds groups of two or more adapters with identical numbers. Only adapters whose samples are
 * equal are read again and compared completely.
 * @param samples by adapter, one string per module
 */
export function findIdentical(
  adapters: ReadonlyMap<string, Adapter>,
  samples: ReadonlyMap<string, readonly string[]>,
): string[][] {
  const groups = new Map<string, { adapter: Adapter; names: string[] }[]>();
  for (const [name, adapter] of adapters) {
    const key = (samples.get(name) ?? []).join(";");
    const candidates = groups.get(key) ?? [];
    groups.set(key, candidates);
    const same = candidates.find((group) => hasSameNumbers(group.adapter, adapter));
    if (same) same.names.push(name);
    else candidates.push({ adapter, names: [name] });
  }
  return [...groups.values()].flat().flatMap(({ names }) => (names.length > 1 ? [names] : []));
}

function hasSameNumbers(x: Adapter, y: Adapter): boolean {
  return [...x.modules].every(([name, pair]) => {
    const other = y.modules.get(name);
    if (other === undefined) return false;
    const [one, two] = [readScaledPair(pair), readScaledPair(other)];
    return (
      areEqual(readNumbers(one.b), readNumbers(two.b)) &&
      areEqual(readNumbers(one.a), readNumbers(two.a))
    );
  });
}

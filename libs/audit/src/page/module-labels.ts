import { shortenModule } from "../adapters/names-text.js";

/** A module in a figure. */
interface ModuleLabel {
  readonly module: string;
  /** The part of the name that distinguishes it from the others. */
  readonly label: string;
}

/**
 * Sorts modules by name, with numbers by value, and creates labels without the parts that all names
 * have in common.
 */
export function createModuleLabels(modules: readonly string[]): ModuleLabel[] {
  const order = new Intl.Collator("en", { numeric: true });
  const parts = [...modules]
    .sort((x, y) => order.compare(x, y) || (x < y ? -1 : 1))
    .map((module) => ({ module, own: shortenModule(module).split(".") }));
  const [first] = parts;
  const isUniform = parts.every(({ own }) => own.length === first?.own.length);
  const isDistinct = (_: string, i: number) => parts.some(({ own }) => own[i] !== first?.own[i]);
  return parts.map(({ module, own }) => {
    const distinct = isUniform && parts.length > 1 ? own.filter(isDistinct) : own;
    return { module, label: distinct.join(".") };
  });
}

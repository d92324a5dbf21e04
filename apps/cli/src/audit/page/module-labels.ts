import { shortened } from "../../adapters/names-text.js";

/** A module of a figure. */
export interface ModuleLabel {
  readonly module: string;
  /** What tells it from the others. */
  readonly label: string;
}

/** Modules in the order of their names, numbers by their value, without the parts that all names have in common. */
export function moduleLabels(modules: readonly string[]): ModuleLabel[] {
  const order = new Intl.Collator("en", { numeric: true });
  const parts = [...modules]
    .sort((x, y) => order.compare(x, y) || (x < y ? -1 : 1))
    .map((module) => ({ module, own: shortened(module).split(".") }));
  const [first] = parts;
  const isUniform = parts.every(({ own }) => own.length === first?.own.length);
  const isTelling = (_: string, i: number) => parts.some(({ own }) => own[i] !== first?.own[i]);
  return parts.map(({ module, own }) => {
    const telling = isUniform && parts.length > 1 ? own.filter(isTelling) : own;
    return { module, label: telling.join(".") };
  });
}

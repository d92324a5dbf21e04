import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import type { Figure } from "./page.js";

/** A figure before it is drawn; undefined where there is nothing to draw. */
export type Drawing = Omit<Figure, "svg"> & { readonly spec: TopLevelSpec | undefined };

/** Draws figures into `figures/<name>.{svg,png,vl.json}` of a folder. */
export async function writeFigures(
  folder: string,
  drawings: readonly Drawing[],
): Promise<readonly Figure[]> {
  // Loaded when it is needed: a third of a second that other uses of this library are spared.
  const { drawPng, drawSvg, hasFont } = await import("./draw.js");
  await mkdir(join(folder, "figures"), { recursive: true });
  const figures: Figure[] = [];
  for (const { spec, ...drawing } of drawings) {
    if (!spec) continue;
    const svg = await drawSvg(spec);
    const file = join(folder, "figures", drawing.name);
    await writeFile(`${file}.vl.json`, JSON.stringify(spec, null, 1) + "\n");
    await writeFile(`${file}.svg`, svg);
    await writeFile(`${file}.png`, drawPng(svg));
    figures.push({ ...drawing, svg });
  }
  if (!hasFont()) process.emitWarning("no font was found: the PNG figures have no text");
  return figures;
}

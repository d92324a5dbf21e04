import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { figureWidth, ink } from "./figure-style.js";
import type { Figure } from "./page.js";
import { textWidth } from "./text-width.js";

/** A figure before it is drawn, without a title of its own; undefined where there is nothing to draw. */
export type Drawing = Omit<Figure, "svg"> & { readonly spec: TopLevelSpec | undefined };

/** Draws figures for a page that stands alone. */
export async function drawFigures(drawings: readonly Drawing[]): Promise<readonly Figure[]> {
  // Loaded when it is needed: a third of a second that other uses of this library are spared.
  const { drawSvg } = await import("./draw.js");
  const figures: Figure[] = [];
  for (const { spec, ...drawing } of drawings) {
    if (spec) figures.push({ ...drawing, svg: await drawSvg(spec) });
  }
  return figures;
}

/**
 * The same, and into `figures/<name>.{svg,png,vl.json}` of a folder. A file stands alone: title and
 * caption, which the page writes around a figure, are drawn into it.
 * @param of what is shown, told in each file's title
 */
export async function writeFigures(
  folder: string,
  of: string,
  drawings: readonly Drawing[],
): Promise<readonly Figure[]> {
  const { drawPng, drawSvg, hasFont } = await import("./draw.js");
  await mkdir(join(folder, "figures"), { recursive: true });
  for (const { spec, ...drawing } of drawings) {
    if (!spec) continue;
    const alone = titled(spec, `${drawing.title} · ${of}`, drawing.caption);
    const svg = await drawSvg(alone);
    const file = join(folder, "figures", drawing.name);
    await write(`${file}.vl.json`, JSON.stringify(alone, null, 1) + "\n");
    await write(`${file}.svg`, svg);
    await write(`${file}.png`, [drawPng(svg)]);
  }
  if (!hasFont()) process.emitWarning("no font was found: the PNG figures have no text");
  return drawFigures(drawings);
}

/** Sweeps that share a folder write the same figures at once. */
function write(path: string, content: string | Iterable<Uint8Array>): Promise<void> {
  return writeWhole(path, content, `${path}.${process.pid}.part`);
}

function titled(spec: TopLevelSpec, text: string, caption: string): TopLevelSpec {
  const subtitle = lines(caption, 10, figureWidth);
  return {
    ...spec,
    title: { text, subtitle, color: ink, fontSize: 13, subtitleFontSize: 10, offset: 14 },
  };
}

/** A text broken between words. @param size of its letters, in pixels @param width of the longest line, in pixels */
function lines(text: string, size: number, width: number): string[] {
  const broken: string[] = [];
  for (const word of text.split(" ")) {
    const longer = [broken.at(-1) ?? [], word].flat().join(" ");
    if (broken.length > 0 && textWidth(longer, size) <= width) broken[broken.length - 1] = longer;
    else broken.push(word);
  }
  return broken;
}

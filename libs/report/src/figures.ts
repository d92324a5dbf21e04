import { join } from "node:path";
import { makeOwnFolder, writeWhole } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { figureWidth, ink } from "./figure-style.js";
import type { Figure } from "./page.js";
import { textWidth } from "./text-width.js";

/**
 * A figure before it is drawn, without a title of its own; `spec` is undefined if there is nothing
 * to draw.
 */
export type Drawing = Omit<Figure, "svg"> & { readonly spec: TopLevelSpec | undefined };

/** Draws figures for a self-contained page. */
export async function drawFigures(drawings: readonly Drawing[]): Promise<readonly Figure[]> {
  // Loaded lazily: it takes a third of a second, which other uses of this library do not need.
  const { drawSvg } = await import("./draw.js");
  const figures: Figure[] = [];
  for (const { spec, ...drawing } of drawings) {
    if (spec) figures.push({ ...drawing, svg: await drawSvg(spec) });
  }
  return figures;
}

/**
 * Draws figures, and writes them to `figures/<name>.{svg,png,vl.json}` in a folder. Each file is
 * self-contained: the title and caption, which the page puts around a figure, are drawn into it.
 * PNG files need native code, which an installation by pip lacks, and are left out there.
 * @param of the subject of the figures, for the title in each file
 */
export async function writeFigures(
  folder: string,
  of: string,
  drawings: readonly Drawing[],
): Promise<readonly Figure[]> {
  const [{ drawSvg }, png] = await Promise.all([import("./draw.js"), importDrawPng()]);
  await makeOwnFolder(join(folder, "figures"));
  for (const { spec, ...drawing } of drawings) {
    if (!spec) continue;
    const standalone = addTitle(spec, `${drawing.title} · ${of}`, drawing.caption);
    const svg = await drawSvg(standalone);
    const file = join(folder, "figures", drawing.name);
    await write(`${file}.vl.json`, JSON.stringify(standalone, null, 1) + "\n");
    await write(`${file}.svg`, svg);
    if (png) await write(`${file}.png`, [png.drawPng(svg)]);
  }
  if (png?.hasFont() === false)
    process.emitWarning("no font was found: the PNG figures have no text");
  return drawFigures(drawings);
}

async function importDrawPng(): Promise<typeof import("./draw-png.js") | undefined> {
  try {
    return await import("./draw-png.js");
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    return undefined;
  }
}

/**
 * Writes a file under a temporary name first, because sweeps that share a folder write the same
 * figures at the same time.
 */
function write(path: string, content: string | Iterable<Uint8Array>): Promise<void> {
  return writeWhole(path, content, `${path}.${process.pid}.part`);
}

function addTitle(spec: TopLevelSpec, text: string, caption: string): TopLevelSpec {
  const subtitle = breakLines(caption, 10, figureWidth);
  return {
    ...spec,
    title: { text, subtitle, color: ink, fontSize: 13, subtitleFontSize: 10, offset: 14 },
  };
}

/**
 * Breaks a text into lines between words.
 * @param size font size in pixels
 * @param width of the longest line, in pixels
 */
function breakLines(text: string, size: number, width: number): string[] {
  const broken: string[] = [];
  for (const word of text.split(" ")) {
    const longer = [broken.at(-1) ?? [], word].flat().join(" ");
    if (broken.length > 0 && textWidth(longer, size) <= width) broken[broken.length - 1] = longer;
    else broken.push(word);
  }
  return broken;
}

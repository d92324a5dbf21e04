import { join } from "node:path";
import { csvLine, makeOwnFolder, writeWhole } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { figureWidth, inkColour, isNarrow, narrowWidth } from "./figure-style.js";
import { textWidth } from "./text-width.js";

/** A figure in the page; its files are `figures/<name>.{svg,png,csv,vl.json}`. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly svg: string;
  /** The same for narrow screens; undefined if it cannot be drawn there. */
  readonly narrow?: string;
  /** What the points of moving lines count, if readers can play them. See `TaskFigure`. */
  readonly moves?: string;
}

/** A figure before it is drawn, without a title of its own. */
export interface Drawing extends Omit<Figure, "svg" | "narrow"> {
  /**
   * Returns the specification of the figure at a width in CSS pixels; undefined if there is nothing
   * to draw.
   */
  readonly draw: (width: number) => TopLevelSpec | undefined;
}

/** Draws figures for a self-contained page, each for wide screens and again for narrow ones. */
export async function drawFigures(drawings: readonly Drawing[]): Promise<readonly Figure[]> {
  // Loaded lazily: it takes a third of a second, which other uses of this library do not need.
  const { drawSvg } = await import("./draw.js");
  const figures: Figure[] = [];
  for (const { draw, ...drawing } of drawings) {
    const spec = draw(figureWidth);
    if (!spec) continue;
    const svg = await drawSvg(describedSpec(spec, figureWidth));
    const small = draw(narrowWidth);
    const narrow =
      small && !hasTinyPanel(small) && (await drawSvg(describedSpec(small, narrowWidth)));
    const fits = narrow && widthOf(narrow) <= maxNarrow;
    figures.push({ ...drawing, svg, ...(fits && { narrow }) });
  }
  return figures;
}

/** A drawing for narrow screens that is wider than this is none, and the wide one scrolls. */
const maxNarrow = 400;

/** In a narrower panel, nothing can be read. */
const minPanel = 60;

function widthOf(svg: string): number {
  return Number(/^<svg [^>]*?width="([\d.]+)"/.exec(svg)?.[1]);
}

function hasTinyPanel(spec: TopLevelSpec): boolean {
  const widths = JSON.stringify(spec).matchAll(/"width":(-?[\d.]+)/g);
  return [...widths].some(([, width]) => Number(width) < minPanel);
}

/** Gives marks descriptions, and lets legends of narrow figures have several rows. */
function describedSpec(spec: TopLevelSpec, width: number): TopLevelSpec {
  const legend = isNarrow(width) ? { ...spec.config?.legend, columns: 2, labelLimit: 130 } : {};
  return {
    ...spec,
    config: { ...spec.config, aria: true, legend: { ...spec.config?.legend, ...legend } },
  };
}

/**
 * Draws figures, and writes them to `figures/<name>.{svg,png,csv,vl.json}` in a folder. Each
 * drawing is self-contained: it has the title and caption, which the page puts around a figure. PNG
 * files need native code, which an installation by pip lacks, and are left out there.
 * @param of the subject of the figures, for the title in each file
 */
export async function writeFigures(
  folder: string,
  of: string,
  drawings: readonly Drawing[],
): Promise<readonly Figure[]> {
  const [{ drawSvg }, png] = await Promise.all([import("./draw.js"), importDrawPng()]);
  await makeOwnFolder(join(folder, "figures"));
  for (const { draw, ...drawing } of drawings) {
    const spec = draw(figureWidth);
    if (!spec) continue;
    const standalone = addTitle(spec, `${drawing.title} · ${of}`, drawing.caption);
    const svg = await drawSvg(standalone);
    const file = join(folder, "figures", drawing.name);
    await write(`${file}.vl.json`, JSON.stringify(standalone, null, 1) + "\n");
    await write(`${file}.csv`, formatData(spec));
    await write(`${file}.svg`, svg);
    if (png) await write(`${file}.png`, [png.drawPng(svg)]);
  }
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

/** Columns that only the drawing needs. */
const drawnColumns = new Set([
  "about",
  "at",
  "jitter",
  "right",
  "place",
  "named",
  "panel",
  "picture",
]);

/**
 * Formats the data of a figure as CSV, one line per mark. If several layers have data of their own,
 * the column `layer` counts them.
 */
function formatData(spec: TopLevelSpec): string {
  const layers = [...listData(spec)];
  const columns = [...new Set(layers.flat().flatMap((row) => Object.keys(row)))].filter(
    (name) => !drawnColumns.has(name),
  );
  const hasLayers = layers.length > 1;
  const lines = layers.flatMap((rows, i) =>
    rows.map((row) =>
      csvLine([...(hasLayers ? [i + 1] : []), ...columns.map((name) => toCell(row[name]))]),
    ),
  );
  return [csvLine([...(hasLayers ? ["layer"] : []), ...columns]), ...lines, ""].join("\n");
}

function toCell(value: unknown): string | number | undefined {
  if (typeof value === "string" || typeof value === "number") return value;
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}

/** Lists the data that a specification contains, outermost first. */
function* listData(spec: unknown): Generator<readonly Readonly<Record<string, unknown>>[]> {
  if (typeof spec !== "object" || spec === null) return;
  for (const [key, value] of Object.entries(spec)) {
    const { values } = (key === "data" ? value : {}) as { values?: unknown };
    if (Array.isArray(values)) {
      const rows: readonly unknown[] = values;
      yield rows.filter((row) => typeof row === "object" && row !== null) as Record<
        string,
        unknown
      >[];
    } else yield* listData(value);
  }
}

function addTitle(spec: TopLevelSpec, text: string, caption: string): TopLevelSpec {
  const subtitle = breakLines(caption, 10, figureWidth);
  return {
    ...spec,
    title: { text, subtitle, color: inkColour, fontSize: 13, subtitleFontSize: 10, offset: 14 },
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

import { visibleCells, roundStep, type Cell, type MapLayout, type Viewport } from "./map-layout.js";
import { isAttack, type ArmData, type RunData } from "../data/run-data.js";
import { flagsClient, verdictOf } from "../data/verdicts.js";
import { drawShape, truthShape, verdictShapes } from "./map-shapes.js";
import { cellColour, type Palette } from "../parts/theme.js";

/** Everything that a drawing of the map depends on. */
interface MapScene {
  readonly data: RunData;
  readonly arm: ArmData;
  /** Rows of `data` from top to bottom. */
  readonly order: readonly number[];
  readonly layout: MapLayout;
  readonly viewport: Viewport;
  readonly palette: Palette;
  readonly label: (row: number) => string;
  readonly isPinned: (row: number) => boolean;
  /** The cell of the cursor and the selected row, as positions in `order`. */
  readonly cursor: Cell | undefined;
  readonly selected: number | undefined;
}

const font = "12px system-ui, -apple-system, sans-serif";

/** Cells of this size and larger have shapes in addition to colours. */
const shapeSize = 9;

/**
 * Draws the visible part of the map: a row per client, a column per round. The canvas is as large
 * as the viewport and its context is scaled to CSS pixels.
 */
export function drawMap(context: CanvasRenderingContext2D, scene: MapScene): void {
  const { layout, viewport, palette } = scene;
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, viewport.width, viewport.height);
  drawCells(context, scene);
  drawCursor(context, scene);
  drawLabels(context, scene);
  drawRounds(context, scene);
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, layout.labelWidth, layout.headHeight);
}

function drawCells(context: CanvasRenderingContext2D, scene: MapScene): void {
  const { data, arm, order, layout, viewport, palette } = scene;
  const { cell, labelWidth, headHeight } = layout;
  const { firstRow, endRow, firstColumn, endColumn } = visibleCells(layout, viewport);
  const gap = cell >= 6 ? 1 : 0;
  let colour = "";
  for (let c = firstColumn; c < endColumn; c++) {
    const column = arm.columns[c];
    if (!column) continue;
    const x = labelWidth + c * cell - viewport.left;
    for (let r = firstRow; r < endRow; r++) {
      const row = order[r] ?? 0;
      const verdict = verdictOf(column.codes[row] ?? 0);
      const ratio = column.ratios[row] ?? NaN;
      const next =
        verdict === undefined
          ? palette.absent
          : verdict === "invalid"
            ? (palette.above.at(-1) ?? "")
            : verdict === "undecided"
              ? palette.open
              : cellColour(palette, ratio, verdict === "contaminated");
      if (next !== colour) context.fillStyle = colour = next;
      const y = headHeight + r * cell - viewport.top;
      context.fillRect(x, y, cell - gap, cell - gap);
      if (cell < shapeSize || verdict === undefined || verdict === "not judged") continue;
      const place = [x, y, cell - gap] as const;
      const shape = verdictShapes[verdict];
      if (shape) drawShape(context, shape, place, palette);
      if (isAttack(data.truth(row))) drawShape(context, truthShape, place, palette);
    }
  }
}

function drawCursor(context: CanvasRenderingContext2D, scene: MapScene): void {
  const { layout, viewport, palette, cursor, selected } = scene;
  const { cell, labelWidth, headHeight } = layout;
  const top = (row: number) => headHeight + row * cell - viewport.top;
  if (selected !== undefined) {
    context.strokeStyle = palette.focus;
    context.lineWidth = 1;
    context.strokeRect(labelWidth - 0.5, top(selected) - 1, viewport.width - labelWidth, cell + 1);
  }
  if (cursor?.column === undefined) return;
  context.strokeStyle = palette.ink;
  context.lineWidth = 2;
  const x = labelWidth + cursor.column * cell - viewport.left;
  context.strokeRect(x - 1, top(cursor.row) - 1, cell + 1, cell + 1);
}

function drawLabels(context: CanvasRenderingContext2D, scene: MapScene): void {
  const { arm, order, layout, viewport, palette, label, isPinned } = scene;
  const { cell, labelWidth, headHeight } = layout;
  context.fillStyle = palette.paper;
  context.fillRect(0, headHeight, labelWidth - 4, viewport.height);
  const { firstRow, endRow } = visibleCells(layout, viewport);
  const every = Math.max(1, Math.ceil(13 / cell));
  context.font = font;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (let r = firstRow - (firstRow % every); r < endRow; r += every) {
    const row = order[r] ?? 0;
    const y = headHeight + r * cell - viewport.top + cell / 2;
    context.fillStyle = flagsClient(arm.totals(row).lastVerdict) ? palette.ink : palette.muted;
    const text = `${isPinned(row) ? "★ " : ""}${label(row)}`;
    context.fillText(fitText(context, text, labelWidth - 12), 0, y);
  }
}

function drawRounds(context: CanvasRenderingContext2D, scene: MapScene): void {
  const { arm, layout, viewport, palette } = scene;
  const { cell, labelWidth, headHeight } = layout;
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, viewport.width, headHeight - 3);
  const { firstColumn, endColumn } = visibleCells(layout, viewport);
  const step = roundStep(cell);
  context.font = font;
  context.fillStyle = palette.muted;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let c = firstColumn; c < endColumn; c++) {
    const round = arm.columns[c]?.round;
    if (round === undefined || c % step !== 0) continue;
    const x = labelWidth + c * cell - viewport.left + cell / 2;
    if (x >= labelWidth) context.fillText(String(round), x, headHeight / 2);
  }
}

const widths = new Map<string, string>();

/** Shortens a text until it fits. Measuring is slow, so results are remembered. */
function fitText(context: CanvasRenderingContext2D, text: string, width: number): string {
  const key = `${width} ${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  let fitted = text;
  while (fitted.length > 1 && context.measureText(fitted).width > width) {
    fitted = `${Array.from(fitted.replace(/…$/, "")).slice(0, -1).join("")}…`;
  }
  if (widths.size > 20_000) widths.clear();
  widths.set(key, fitted);
  return fitted;
}

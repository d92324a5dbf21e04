import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { ShownClients } from "./client-section.js";
import { drawMap } from "./draw-map.js";
import { formatRatio } from "../parts/index.js";
import { cellAt, mapSize, scrollTo, type Cell, type MapLayout } from "./map-layout.js";
import { clientId, clientIndex, isAttack, type ArmData, type RunData } from "../data/run-data.js";
import { verdictOf } from "../data/verdicts.js";
import { truthShape, verdictShapes, type Shape } from "./map-shapes.js";
import { openClient, route } from "./route.js";
import { palette } from "../parts/theme.js";

/** The map of clients by rounds, drawn on a canvas that covers the visible part. */
export function ClientMap({
  followed,
  run,
  arm,
  order,
  cell,
  label,
  pinned,
  onPin,
}: ShownClients & { readonly cell: number }) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useRef(0);
  const room = useSignal({ width: 0, height: 0 });
  const cursor = useSignal<Cell | undefined>(undefined);
  const { width, height } = room.value;
  const { data } = followed;
  const selected = route.value.client;
  const armLabel = run.arms[arm]?.label ?? "";
  const own = data.arm(arm);
  const layout: MapLayout = {
    cell,
    labelWidth: innerWidth < 600 ? 92 : 148,
    headHeight: 22,
    rows: order.length,
    columns: own.columns.length,
  };
  const size = mapSize(layout);
  const isEmpty = layout.rows === 0 || layout.columns === 0;
  const idOf = (row: number) => clientId(data.clients[row] ?? -1, run.clients);
  const open = ({ row, column }: Cell) => {
    const round = column === undefined ? undefined : own.columns[column]?.round;
    openClient(idOf(order[row] ?? -1), round);
  };
  const view = () => {
    const { scrollLeft = 0, scrollTop = 0 } = scroller.current ?? {};
    return { left: scrollLeft, top: scrollTop, width, height };
  };
  const draw = () => {
    frame.current = 0;
    const context = canvas.current?.getContext("2d", { alpha: false });
    if (!context || !canvas.current) return;
    const scale = devicePixelRatio;
    const pixels = { width: Math.round(width * scale), height: Math.round(height * scale) };
    // Setting a size clears the canvas, even if it is the same.
    if (canvas.current.width !== pixels.width || canvas.current.height !== pixels.height)
      Object.assign(canvas.current, pixels);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const marked = selected === undefined ? undefined : data.rowOfClient(clientIndex(selected));
    const place = marked === undefined ? -1 : order.indexOf(marked);
    drawMap(context, {
      data,
      arm: own,
      order,
      layout,
      viewport: view(),
      palette: palette(),
      label: (row) => label(data.clients[row] ?? 0),
      isPinned: (row) => pinned.has(data.clients[row] ?? -1),
      cursor: cursor.value,
      selected: place < 0 ? undefined : place,
    });
  };
  const redraw = () => {
    if (frame.current === 0) frame.current = requestAnimationFrame(draw);
  };
  useEffect(() => {
    cancelAnimationFrame(frame.current);
    draw();
  });
  useEffect(() => {
    const { current } = scroller;
    if (!current) return;
    const observer = new ResizeObserver(() => {
      room.value = { width: current.clientWidth, height: current.clientHeight };
    });
    observer.observe(current);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame.current);
    };
  }, [isEmpty]);
  const pointed = (event: MouseEvent): Cell | undefined => {
    const box = scroller.current?.getBoundingClientRect();
    if (!box) return undefined;
    return cellAt(layout, view(), event.clientX - box.left, event.clientY - box.top);
  };
  const move = (rows: number, columns: number) => {
    const from = cursor.value ?? { row: 0, column: layout.columns - 1 };
    const clip = (value: number, end: number) => Math.min(Math.max(0, value), Math.max(0, end - 1));
    const next = {
      row: clip(from.row + rows, layout.rows),
      column: clip((from.column ?? 0) + columns, layout.columns),
    };
    cursor.value = next;
    const target = scrollTo(layout, view(), next.row, next.column);
    scroller.current?.scrollTo(target.left, target.top);
  };
  const onKey = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((view().height - layout.headHeight) / cell) - 1);
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      PageUp: [-page, 0],
      PageDown: [page, 0],
      Home: [0, -layout.columns],
      End: [0, layout.columns],
    };
    const by = moves[event.key];
    if (by) move(by[0], by[1]);
    else if (event.key === "Enter" && cursor.value) open(cursor.value);
    else if (event.key === "p" && cursor.value)
      onPin(data.clients[order[cursor.value.row] ?? -1] ?? -1);
    else return;
    event.preventDefault();
  };
  if (isEmpty) {
    return (
      <p class="lead">
        {own.columns.length === 0 ? "No round has ended yet." : "No client has this in its name."}
      </p>
    );
  }
  return (
    <>
      <Legend />
      <div
        class="map"
        ref={scroller}
        tabIndex={0}
        role="application"
        aria-label={`Map of ${order.length} clients by ${own.columns.length} rounds of ${armLabel}. Arrow keys move, Enter opens a client, p pins it. The same is in the table.`}
        onScroll={redraw}
        onKeyDown={onKey}
        onMouseMove={(event) => (cursor.value = pointed(event))}
        onMouseLeave={() => (cursor.value = undefined)}
        onClick={(event) => {
          const at = pointed(event);
          if (at) open(at);
        }}
        style={{ maxHeight: `min(70vh, ${size.height + 14}px)` }}
      >
        <canvas ref={canvas} />
        <div class="extent" style={{ width: `${size.width}px`, height: `${size.height}px` }} />
      </div>
      <p class="readout" aria-live="polite">
        {describeCell(data, own, order, cursor.value, label)}
      </p>
    </>
  );
}

function describeCell(
  data: RunData,
  arm: ArmData,
  order: readonly number[],
  cell: Cell | undefined,
  label: (client: number) => string,
): string {
  const row = order[cell?.row ?? -1];
  if (!cell || row === undefined)
    return "Point at a cell, or move with the arrow keys. A click opens the client.";
  const name = label(data.clients[row] ?? 0);
  const known = data.truth(row);
  const truth = isAttack(known)
    ? `, contaminated in truth (${known})`
    : known === "unknown"
      ? ", truth unknown"
      : "";
  const column = cell.column === undefined ? undefined : arm.columns[cell.column];
  if (!column) return `${name}${truth}`;
  const ratio = column.ratios[row] ?? NaN;
  const score = Number.isNaN(ratio) ? "" : `, score ${formatRatio(ratio)} threshold`;
  return `${name}, round ${column.round}: ${verdictOf(column.codes[row] ?? 0) ?? "not in this round"}${score}${truth}`;
}

/** Explains colours and shapes. */
function Legend() {
  const colours = palette();
  const { below, above, noScore, open } = colours;
  const [low, high] = [below[6], above.at(-1)];
  const items: readonly (readonly [
    text: string,
    fill: string | undefined,
    shape?: Shape | undefined,
  ])[] = [
    ["score below its threshold", low],
    ["flagged", high, verdictShapes.contaminated],
    ["invalid", high, verdictShapes.invalid],
    ["undecided", open, verdictShapes.undecided],
    ["failed", noScore, verdictShapes.failed],
    ["contaminated in truth", low, truthShape],
  ];
  return (
    <ul class="key" aria-label="Legend">
      {items.map(([text, fill, shape]) => (
        <li key={text}>
          <svg width="16" height="16" aria-hidden="true">
            <rect width="16" height="16" fill={fill} />
            {shape && (
              <path
                d={shape.path}
                fill={shape.isFilled ? colours[shape.colour] : "none"}
                stroke={shape.isFilled ? "none" : colours[shape.colour]}
                stroke-width="1.5"
              />
            )}
          </svg>
          {text}
        </li>
      ))}
    </ul>
  );
}

import { element, pathPoints, svgElement } from "./create-element.js";

/** A mark, or a point of a line, in CSS pixels from the corner of its drawing. */
interface Point {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly mark: SVGPathElement;
}

/** A pointer further away than this points at nothing, in CSS pixels. */
const reach = 40;

/**
 * Shows client, round and value of the mark that a reader points at or reaches with the arrow keys,
 * and gives the figure a legend whose entries hide their marks.
 */
export function makeFigurePointable(figure: HTMLElement): void {
  for (const title of figure.querySelectorAll("path > title")) {
    // The browser would show it as well, a second later.
    (title.parentElement as unknown as SVGPathElement).dataset.about = title.textContent;
    title.remove();
  }
  for (const drawing of figure.querySelectorAll<HTMLElement>(".drawing")) addTip(drawing);
  addLegend(figure);
}

function addTip(drawing: HTMLElement): void {
  const svg = drawing.querySelector("svg");
  if (!svg?.querySelector("[data-about]")) return;
  const tip = element("div", { class: "tip", role: "status" });
  drawing.append(tip);
  drawing.tabIndex = 0;
  drawing.setAttribute("role", "group");
  drawing.setAttribute(
    "aria-label",
    `${svg.getAttribute("aria-label") ?? "Figure"}: the arrow keys read its values`,
  );
  let at = -1;
  const show = (point: Point | undefined) => {
    tip.textContent = point?.text ?? "";
    if (!point) return;
    const room = drawing.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(room, point.x - tip.offsetWidth / 2))}px`;
    tip.style.top = `${point.y < 50 ? point.y + 14 : point.y - tip.offsetHeight - 10}px`;
  };
  svg.addEventListener("pointermove", ({ clientX, clientY, target }) => {
    const box = svg.getBoundingClientRect();
    show(nearest(listPoints(svg), clientX - box.left, clientY - box.top, target));
  });
  svg.addEventListener("pointerleave", () => {
    show(undefined);
  });
  drawing.addEventListener("blur", () => {
    show(undefined);
  });
  drawing.addEventListener("keydown", (event) => {
    const points = listPoints(svg);
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: points.length - 1,
    };
    const next = steps[event.key];
    if (event.key === "Escape") show(undefined);
    if (next === undefined) return;
    event.preventDefault();
    at = Math.max(0, Math.min(points.length - 1, next));
    show(points[at]);
  });
}

/** The mark under the pointer, unless that is a line; else the nearest point within reach. */
function nearest(
  points: readonly Point[],
  x: number,
  y: number,
  target: EventTarget | null,
): Point | undefined {
  const under = points.find(({ mark, text }) => mark === target && mark.dataset.about === text);
  if (under) return under;
  let best: Point | undefined;
  let distance = reach;
  for (const point of points) {
    const own = Math.hypot(point.x - x, point.y - y);
    if (own < distance) [best, distance] = [point, own];
  }
  return best;
}

function listPoints(svg: SVGSVGElement): Point[] {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll<SVGPathElement>("path[data-about]:not(.off)")].flatMap((mark) => {
    const matrix = mark.getScreenCTM();
    if (!matrix) return [];
    const place = (x: number, y: number) => {
      const { x: left, y: top } = new DOMPoint(x, y).matrixTransform(matrix);
      return { x: left - box.left, y: top - box.top };
    };
    const texts = mark.dataset.about?.split("\n") ?? [];
    if (texts.length > 1) {
      return pathPoints(mark).flatMap(([x, y], i) => {
        const text = texts[i];
        return text === undefined ? [] : [{ ...place(x, y), text, mark }];
      });
    }
    const { x, y, width, height } = mark.getBBox();
    return texts.map((text) => ({ ...place(x + width / 2, y + height / 2), text, mark }));
  });
}

/** Replaces the drawn legend by buttons, for those of its entries that marks belong to. */
function addLegend(figure: HTMLElement): void {
  const svg = figure.querySelector("svg");
  if (!svg) return;
  const marks = [...figure.querySelectorAll<SVGPathElement>("[data-series]")];
  const series = new Set(marks.map(({ dataset }) => dataset.series ?? ""));
  const texts = [...svg.querySelectorAll<SVGTextElement>(".role-legend-label text")];
  const symbols = [...svg.querySelectorAll<SVGPathElement>(".role-legend-symbol path")];
  const entries = new Map(texts.map(({ textContent }, i) => [textContent, symbols[i]]));
  // A single entry explains a figure; hiding it would leave nothing.
  if (entries.size < 2 || ![...entries.keys()].every((text) => series.has(text))) return;
  const legend = element("div", { class: "legend", role: "group", "aria-label": "Legend" });
  for (const [text, symbol] of entries) {
    const button = element("button", { type: "button", "aria-pressed": "true" }, text);
    if (symbol) button.prepend(drawSymbol(symbol));
    button.addEventListener("click", () => {
      const isHidden = button.getAttribute("aria-pressed") === "true";
      button.setAttribute("aria-pressed", String(!isHidden));
      for (const mark of marks)
        if (mark.dataset.series === text) mark.classList.toggle("off", isHidden);
    });
    legend.append(button);
  }
  figure.classList.add("has-legend");
  figure.prepend(legend);
}

function drawSymbol(symbol: SVGPathElement): SVGSVGElement {
  const size = { viewBox: "-18 -7 36 14", width: "36", height: "14" };
  const svg = svgElement("svg", { ...size, "aria-hidden": "true" });
  const copy = symbol.cloneNode(true) as SVGPathElement;
  copy.removeAttribute("transform");
  svg.append(copy);
  return svg;
}

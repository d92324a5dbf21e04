import { element, pathPoints, svgElement } from "./create-element.js";

/** A line of a figure that a dot moves along. */
interface Way {
  /** The points of the line, in its own coordinates. */
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dot: SVGCircleElement;
}

/** Milliseconds for the whole way, at least, and for each of its steps. */
const shortest = 3000;
const perStep = 350;

/**
 * Lets a reader play a figure: a dot moves along each line, and a slider stops it anywhere. Nothing
 * moves before the reader asks for it. At the end stands the figure as it was drawn.
 */
export function makeFigurePlayable(figure: HTMLElement): void {
  const drawings = [...figure.querySelectorAll<SVGSVGElement>(".drawing svg")];
  const ways = drawings.flatMap(findWays);
  const last = Math.max(0, ...ways.map(({ points }) => points.length - 1));
  if (last === 0) return;
  const button = element("button", { type: "button" }, "Play");
  const slider = element("input", { type: "range", min: "0", max: String(last), step: "any" });
  slider.value = String(last);
  const readout = element("span");
  const label = element("label", {}, readout, slider);
  figure.prepend(element("div", { class: "player" }, button, label));
  let frame = 0;
  const show = (at: number) => {
    slider.value = String(at);
    readout.textContent = `${figure.dataset["moves"] ?? "step"} ${Math.floor(at)} of ${last}`;
    for (const svg of drawings) svg.classList.toggle("underway", at < last);
    for (const way of ways) place(way, at / last);
    for (const { dot } of ways) dot.classList.toggle("off", at >= last);
  };
  const stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    button.textContent = "Play";
  };
  const play = () => {
    const begin = Number(slider.value) >= last ? 0 : Number(slider.value);
    const length = Math.max(shortest, perStep * last);
    let start: number | undefined;
    const move = (now: number) => {
      start ??= now;
      const at = Math.min(last, begin + ((now - start) / length) * last);
      show(at);
      if (at < last) frame = requestAnimationFrame(move);
      else stop();
    };
    frame = requestAnimationFrame(move);
    button.textContent = "Pause";
  };
  button.addEventListener("click", () => {
    if (frame === 0) play();
    else stop();
  });
  slider.addEventListener("input", () => {
    stop();
    show(Number(slider.value));
  });
  show(last);
}

function findWays(svg: SVGSVGElement): Way[] {
  return [...svg.querySelectorAll<SVGPathElement>("[class*='moving'] path[d]")].flatMap((line) => {
    const points = pathPoints(line);
    if (points.length < 2) return [];
    const dot = svgElement("circle", {
      class: "mover off",
      r: String(2 + 1.6 * Number(line.getAttribute("stroke-width") ?? 1)),
      fill: line.getAttribute("stroke") ?? "currentColor",
    });
    line.after(dot);
    return [{ points, dot }];
  });
}

/** @param share of the way, 0 … 1 */
function place({ points, dot }: Way, share: number): void {
  const at = share * (points.length - 1);
  const before = Math.min(points.length - 1, Math.floor(at));
  const [x = 0, y = 0] = points[before] ?? [];
  const [nextX = x, nextY = y] = points[before + 1] ?? [];
  const part = at - before;
  dot.setAttribute("cx", (x + part * (nextX - x)).toFixed(1));
  dot.setAttribute("cy", (y + part * (nextY - y)).toFixed(1));
}

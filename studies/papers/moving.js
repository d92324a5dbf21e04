// Figures that move without scripts, for pages where readers have no button to play them.

/** Seconds in which dots move along their lines, and in which they then rest. */
const [motion, rest] = [4, 3];
const duration = motion + rest;
const arrival = motion / duration;

/** Opacity of the ends of lines before the dots arrive. */
const faint = 0.25;

const still = `<style>@media print,(prefers-reduced-motion:reduce){.mover{display:none}[class*="arrival"]{opacity:1!important}}</style>`;

/**
 * Lets a dot move along each line of the marks whose names begin with `moving`, like the player of
 * a report does. Marks whose names begin with `arrival` are faint until the dots arrive. The figure
 * stands still for readers who prefer reduced motion, when it is printed by itself, and in programs
 * that cannot animate. A page that is printed shows the moment.
 * @param {string} svg as drawn by `drawSvg`
 */
export function addMotion(svg) {
  return svg
    .replace(/<svg [^>]*>/, (head) => head + still)
    .replace(
      /(<g class="mark-line role-mark moving\d+_marks">)(.*?)(<\/g>)/gs,
      (_, open, lines, close) => open + lines + dotsOn(lines).join("") + close,
    )
    .replace(
      /<g class="[\w -]+ arrival\d+_marks">/g,
      (open) =>
        open + animate("animate", "opacity", [faint, faint, 1, 1], [0, arrival, arrival, 1]),
    );
}

function dotsOn(lines) {
  return [...lines.matchAll(/<path d="(M[^"]*)"([^>]*)\/>/g)].map(([, line, attributes]) => {
    const points = [...line.matchAll(/[ML](-?[\d.e-]+),(-?[\d.e-]+)/g)].map(
      ([, x, y]) => `${round(x, 1)},${round(y, 1)}`,
    );
    const [colour, width] = ["stroke", "stroke-width"].map((name) =>
      readAttribute(attributes, name),
    );
    const radius = round(2 + 1.6 * Number(width), 1);
    const times = points.map((_, k) => (arrival * k) / (points.length - 1));
    const move = animate(
      "animateTransform",
      "transform",
      [...points, points.at(-1)],
      [...times, 1],
    );
    return `<circle class="mover" r="${radius}" fill="${colour}" stroke="#ffffff" stroke-width="0.8" transform="translate(${points.at(-1)})">${move}</circle>`;
  });
}

function animate(element, attribute, values, times) {
  const type = element === "animateTransform" ? ` type="translate"` : "";
  const keys = times.map((time) => round(time, 3)).join(";");
  return `<${element} attributeName="${attribute}"${type} values="${values.join(";")}" keyTimes="${keys}" dur="${duration}s" repeatCount="indefinite"/>`;
}

function readAttribute(attributes, name) {
  const [, value] = new RegExp(` ${name}="([^"]*)"`).exec(attributes);
  return value;
}

const round = (value, digits) => Number(Number(value).toFixed(digits));

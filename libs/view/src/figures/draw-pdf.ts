import { Resvg } from "@resvg/resvg-js";
import { figureFont } from "./draw-png.js";

/** Points of PDF per pixel of CSS. */
const scale = 0.75;

/**
 * Draws an SVG as a PDF of one page. resvg reduces the SVG to groups and paths, text included, so
 * that the page needs no fonts. The same SVG gives the same bytes.
 * @throws Error for what a figure without pictures does not contain, such as a gradient
 */
export function drawPdf(svg: string): string {
  const plain = new Resvg(svg, { font: figureFont }).toString();
  const [, width = "", height = ""] =
    /^<svg [^>]*?width="([\d.]+)" height="([\d.]+)"/.exec(plain) ?? [];
  const opacities = new Set<string>();
  const size = [width, height].map((length) => format(Number(length) * scale));
  const content = [
    `${format(scale)} 0 0 ${format(-scale)} 0 ${size[1] ?? ""} cm`,
    ...drawElements(plain, opacities),
  ].join("\n");
  const states = [...opacities].map((one) => `/${stateName(one)} << /ca ${one} /CA ${one} >>`);
  return buildFile([
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${size.join(" ")}] /Contents 4 0 R /Resources << /ExtGState << ${states.join(" ")} >> >> >>`,
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
  ]);
}

type Attributes = ReadonlyMap<string, string>;

/** Elements without marks of their own. */
const silent = new Set(["svg", "defs"]);

function* drawElements(plain: string, opacities: Set<string>): Generator<string> {
  const around: number[] = [];
  for (const [, end, name = "", text = "", empty] of plain.matchAll(
    /<(\/?)([a-zA-Z]+)([^>]*?)(\/?)>/g,
  )) {
    if (silent.has(name)) continue;
    if (name !== "g" && name !== "path") throw new Error(`no PDF can be drawn of <${name}>`);
    if (end) {
      around.pop();
      yield "Q";
      continue;
    }
    const attributes: Attributes = new Map(
      [...text.matchAll(/([a-z-]+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
    );
    const opacity = (around.at(-1) ?? 1) * Number(attributes.get("opacity") ?? 1);
    if (attributes.get("visibility") !== "hidden" || name === "g") {
      yield "q";
      const [, matrix] = /^matrix\(([^)]*)\)$/.exec(attributes.get("transform") ?? "") ?? [];
      if (matrix) yield `${matrix.split(/[ ,]+/).map(Number).map(format).join(" ")} cm`;
      if (name === "path") yield* drawPath(attributes, opacity, opacities);
      if (name === "path" || empty) yield "Q";
    }
    if (name === "g" && !empty) around.push(opacity);
  }
}

function* drawPath(
  attributes: Attributes,
  opacity: number,
  opacities: Set<string>,
): Generator<string> {
  const paint = (key: "fill" | "stroke", fallback: string) => {
    const colour = attributes.get(key) ?? fallback;
    if (colour === "none") return undefined;
    const [, hex] = /^#([0-9a-f]{6})$/.exec(colour) ?? [];
    if (hex === undefined) throw new Error(`no PDF can be drawn with the paint ${colour}`);
    return [0, 2, 4].map((at) => format(parseInt(hex.slice(at, at + 2), 16) / 255)).join(" ");
  };
  const [fill, stroke] = [paint("fill", "#000000"), paint("stroke", "none")];
  const part = (fill ?? "") === "" ? "stroke-opacity" : "fill-opacity";
  const alpha = format(opacity * Number(attributes.get(part) ?? 1));
  if (alpha !== "1") {
    opacities.add(alpha);
    yield `/${stateName(alpha)} gs`;
  }
  if (fill !== undefined) yield `${fill} rg`;
  if (stroke !== undefined) {
    yield `${stroke} RG ${format(Number(attributes.get("stroke-width") ?? 1))} w`;
    const dashes = attributes.get("stroke-dasharray");
    if (dashes !== undefined) yield `[${dashes.split(/[ ,]+/).join(" ")}] 0 d`;
    yield `${capOf(attributes.get("stroke-linecap"))} J ${capOf(attributes.get("stroke-linejoin"))} j`;
  }
  yield* drawSegments(attributes.get("d") ?? "");
  const rule = attributes.get("fill-rule") === "evenodd" ? "*" : "";
  if (fill !== undefined) yield (stroke === undefined ? "f" : "B") + rule;
  else yield stroke === undefined ? "n" : "S";
}

function capOf(kind: string | undefined): number {
  return kind === "round" ? 1 : kind === "square" || kind === "bevel" ? 2 : 0;
}

/** Draws a path of absolute moves, lines and curves. Quadratic curves become cubic ones. */
function* drawSegments(d: string): Generator<string> {
  let [x, y] = [0, 0];
  for (const [, command = "", text = ""] of d.matchAll(/([A-Z])([^A-Z]*)/g)) {
    const numbers = text.trim().split(/[ ,]+/).map(Number);
    const [a = 0, b = 0, c = 0, e = 0] = numbers;
    if (command === "M") yield `${format(a)} ${format(b)} m`;
    else if (command === "L") yield `${format(a)} ${format(b)} l`;
    else if (command === "C") yield `${numbers.map(format).join(" ")} c`;
    else if (command === "Q") {
      const cubic = [x + (2 / 3) * (a - x), y + (2 / 3) * (b - y)];
      const other = [c + (2 / 3) * (a - c), e + (2 / 3) * (b - e)];
      yield `${[...cubic, ...other, c, e].map(format).join(" ")} c`;
    } else if (command === "Z") yield "h";
    else throw new Error(`no PDF can be drawn of a path with ${command}`);
    if (command !== "Z") [x = 0, y = 0] = numbers.slice(-2);
  }
}

/** Numbers of PDF have no exponent. */
function format(value: number): string {
  return String(Number(value.toFixed(3)));
}

function stateName(opacity: string): string {
  return `O${opacity.replace(".", "_")}`;
}

/** Builds a PDF file of numbered objects, the catalogue first. All are ASCII. */
function buildFile(objects: readonly string[]): string {
  let file = "%PDF-1.4\n";
  const starts = objects.map((object, i) => {
    const start = file.length;
    file += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return start;
  });
  const table = starts.map((start) => `${String(start).padStart(10, "0")} 00000 n \n`).join("");
  const size = objects.length + 1;
  return `${file}xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
}

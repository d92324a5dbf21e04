import { compile, vega } from "#vega";
import type * as Vega from "vega";
import type * as VegaLite from "vega-lite";
import { textWidth } from "./text-width.js";

vega.textMetrics.width = ({ fontSize }, text) => textWidth(text ?? "", fontSize ?? 11);

/** Figures contain their data, so any attempt to load something is an error. */
const rejectLoad = (uri: string) => Promise.reject(new Error(`a figure must not load ${uri}`));
/** A picture that the figure contains. */
const allowedPicture = /^data:image\/png;base64,[\w+/]+=*$/;
const loader: Vega.Loader = {
  load: rejectLoad,
  sanitize: (uri: string) =>
    allowedPicture.test(uri) ? Promise.resolve({ href: uri }) : rejectLoad(uri),
  http: rejectLoad,
  file: rejectLoad,
};

/**
 * Characters that XML cannot represent, and those that pages escape elsewhere, because they have no
 * width or turn the direction of a text.
 */
const unprintable = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]/gu;

/** Vega looks texts up in plain objects, so it takes these for its own and fails. */
const inherited = new RegExp(`"(${Object.getOwnPropertyNames(Object.prototype).join("|")})"`, "g");

/** Marks a text as one of the figure; it has no width, and is removed from the drawing. */
const mark = "\u2060";

/** Attributes with coordinates, for which hundredths of a pixel are precise enough. */
const places = / (?:d|transform|[xy]2)="[^"]*"/g;

/** A mark with a description, which Vega writes for screen readers. */
const describedMark =
  /<path aria-label="(?:([^"]*?)&#x9;)?([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*"([^>]*)\/>/g;

/**
 * Draws a figure as SVG; the same data give the same bytes. With `aria: true`, browsers show a
 * mark's description as a tooltip, a line has the descriptions of all its points in `data-about`,
 * and `data-series` is the entry of the legend that a mark belongs to.
 */
export async function drawSvg(spec: VegaLite.TopLevelSpec): Promise<string> {
  const text = JSON.stringify(spec);
  const marked = text.replace(inherited, `"$1${mark}"`);
  const safe = marked === text ? spec : (JSON.parse(marked) as typeof spec);
  const view = new vega.View(vega.parse(compile(safe).spec), { renderer: "none", loader });
  try {
    await view.runAsync();
    describeMarks(view.scenegraph() as unknown as { readonly root: SceneMark });
    const svg = (await view.toSVG())
      .replaceAll(mark, "")
      .replace(unprintable, "\ufffd")
      .replace(places, (attribute) =>
        attribute.replace(/\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2)))),
      );
    const described = svg.replace(
      describedMark,
      (_, series: string | undefined, about: string, rest: string) => {
        const own = series === undefined ? "" : ` data-series="${series}"`;
        return about.includes("&#xA;")
          ? `<path${own} data-about="${about}"${rest}/>`
          : `<path${own}${rest}><title>${about}</title></path>`;
      },
    );
    // A page describes the figure as a whole.
    return described.replace(/ (role="graphics-\w+"|aria-[a-z]+="[^"]*")/g, "");
  } finally {
    view.finalize();
  }
}

/** Marks of one kind in Vega's scene graph; the items of groups hold further ones. */
interface SceneMark {
  readonly marktype: string;
  readonly role?: string;
  readonly items: readonly SceneItem[];
}

interface SceneItem {
  description?: string | undefined;
  readonly datum?: Readonly<Record<string, unknown>>;
  readonly opacity?: number;
  readonly items?: readonly SceneMark[];
}

/**
 * Prepares the descriptions of marks: with the series in front, for lines with those of all points,
 * and without those of texts, rules and the bands around lines.
 */
function describeMarks({ root }: { readonly root: SceneMark }): void {
  const marks = [...listMarks(root)];
  const series = new Set(
    marks
      .filter(({ role }) => role === "legend-label")
      .flatMap(({ items }) => items.map(({ datum }) => datum?.value)),
  );
  for (const { marktype, items } of marks) {
    const isLine = marktype === "line" || marktype === "area";
    const isBand = marktype === "area" && (items[0]?.opacity ?? 1) < 0.5;
    const isDescribed = marktype !== "text" && marktype !== "rule" && !isBand;
    // Vega writes a line as one path, with the description of its first point.
    const about = items.map(({ description = "" }) => description);
    const texts = isLine ? [about.join("\n")] : about;
    for (const [i, item] of items.entries()) {
      const text = texts[i] ?? "";
      const own = Object.values(item.datum ?? {}).find(
        (value): value is string => typeof value === "string" && series.has(value),
      );
      const prefix = own === undefined ? "" : `${own}\t`;
      item.description = isDescribed && text.trim() !== "" ? `${prefix}${text}` : undefined;
    }
  }
}

function* listMarks(mark: SceneMark): Generator<SceneMark> {
  yield mark;
  for (const item of mark.items) for (const inner of item.items ?? []) yield* listMarks(inner);
}

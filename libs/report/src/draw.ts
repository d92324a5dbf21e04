import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Resvg, type ResvgRenderOptions } from "@resvg/resvg-js";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { textWidth } from "./text-width.js";

/** How Vega measures text; exported, though its typings leave it out. */
interface SceneGraph {
  readonly textMetrics: {
    width: (item: { readonly fontSize?: number }, text: string | null | undefined) => number;
  };
}

/**
 * The modules by which Vega measures text: to draw it, and to lay it out. They are one, unless npm installs two versions
 * beside the parts of Vega; what is set in one then has no effect on the other.
 */
async function sceneGraphs(): Promise<SceneGraph[]> {
  const ofVega = createRequire(import.meta.resolve("vega"));
  const ofLayout = createRequire(ofVega.resolve("vega-view-transforms"));
  const files = [ofVega, ofLayout].map((require) => require.resolve("vega-scenegraph"));
  return Promise.all(
    files.map(async (file) => (await import(pathToFileURL(file).href)) as SceneGraph),
  );
}

for (const { textMetrics } of await sceneGraphs()) {
  textMetrics.width = ({ fontSize }, text) => textWidth(text ?? "", fontSize ?? 11);
}

/** Figures carry their data: whatever would be fetched is a fault. */
const refusing = (uri: string) => Promise.reject(new Error(`a figure must not load ${uri}`));
const loader: vega.Loader = { load: refusing, sanitize: refusing, http: refusing, file: refusing };

/** Characters that XML cannot hold: a label with one of them would make a file that nothing opens. */
const notXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Cs}]/gu;

/** A mark with a description, which Vega writes for screen readers. */
const described =
  /<path aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*"([^>]*)\/>/g;

/** The same data give the same bytes. A mark's description (with `aria: true`) is what browsers show when it is pointed at. */
export async function drawSvg(spec: TopLevelSpec): Promise<string> {
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none", loader });
  try {
    const svg = (await view.toSVG()).replace(notXml, "\ufffd");
    return svg.replace(described, "<path$2><title>$1</title></path>");
  } finally {
    view.finalize();
  }
}

/** On white, at twice the size, for slides and papers. */
export function drawPng(svg: string): Buffer {
  const options = { fitTo: { mode: "zoom", value: 2 }, background: "#ffffff", font: pngFont };
  return new Resvg(svg, options as ResvgRenderOptions).render().asPng();
}

/** Does this machine have a font that a PNG's text can be drawn with? */
export function hasFont(): boolean {
  const text = `<svg xmlns="http://www.w3.org/2000/svg"><text y="9">x</text></svg>`;
  return new Resvg(text, { font: pngFont }).getBBox() !== undefined;
}

/** The shipped face first, so that PNGs look alike everywhere; the machine's own for letters that it lacks. */
const pngFont: NonNullable<ResvgRenderOptions["font"]> = {
  loadSystemFonts: true,
  ...shippedFont("@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf"),
};

function shippedFont(specifier: string): ResvgRenderOptions["font"] {
  try {
    return {
      fontFiles: [fileURLToPath(import.meta.resolve(specifier))],
      defaultFontFamily: "Arimo",
    };
  } catch {
    return {};
  }
}

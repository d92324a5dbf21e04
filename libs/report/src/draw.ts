import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { textWidth } from "./text-width.js";

/** The part of vega-scenegraph that measures text. It is exported, but missing from the typings. */
interface SceneGraph {
  readonly textMetrics: {
    width: (item: { readonly fontSize?: number }, text: string | null | undefined) => number;
  };
}

/**
 * Loads the modules that Vega uses to measure text, one for drawing and one for layout. Usually
 * they are the same, but npm may install two versions, and then a change to one does not affect the
 * other.
 */
async function loadSceneGraphs(): Promise<SceneGraph[]> {
  const ofVega = createRequire(import.meta.resolve("vega"));
  const ofLayout = createRequire(ofVega.resolve("vega-view-transforms"));
  const files = [ofVega, ofLayout].map((require) => require.resolve("vega-scenegraph"));
  return Promise.all(
    files.map(async (file) => (await import(pathToFileURL(file).href)) as SceneGraph),
  );
}

for (const { textMetrics } of await loadSceneGraphs()) {
  textMetrics.width = ({ fontSize }, text) => textWidth(text ?? "", fontSize ?? 11);
}

/** Figures contain their data, so any attempt to load something is an error. */
const rejectLoad = (uri: string) => Promise.reject(new Error(`a figure must not load ${uri}`));
const loader: vega.Loader = {
  load: rejectLoad,
  sanitize: rejectLoad,
  http: rejectLoad,
  file: rejectLoad,
};

/**
 * Characters that XML cannot represent: a label that contains one would make the file unreadable.
 */
const notXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Cs}]/gu;

/** A mark with a description, which Vega writes for screen readers. */
const describedMark =
  /<path aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*"([^>]*)\/>/g;

/**
 * Draws a figure as SVG; the same data give the same bytes. Browsers show a mark's description
 * (with `aria: true`) as a tooltip.
 */
export async function drawSvg(spec: TopLevelSpec): Promise<string> {
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none", loader });
  try {
    const svg = (await view.toSVG()).replace(notXml, "\ufffd");
    return svg.replace(describedMark, "<path$2><title>$1</title></path>");
  } finally {
    view.finalize();
  }
}

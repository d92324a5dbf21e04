import { fileURLToPath } from "node:url";
import { Resvg, type ResvgRenderOptions } from "@resvg/resvg-js";

/** Draws an SVG on white at twice its size, for slides and papers. */
export function drawPng(svg: string): Buffer {
  const options = { fitTo: { mode: "zoom", value: 2 }, background: "#ffffff", font: pngFont };
  return new Resvg(svg, options as ResvgRenderOptions).render().asPng();
}

/** Whether this machine has a font for the text of PNG figures. */
export function hasFont(): boolean {
  const text = `<svg xmlns="http://www.w3.org/2000/svg"><text y="9">x</text></svg>`;
  return new Resvg(text, { font: pngFont }).getBBox() !== undefined;
}

/**
 * Prefers the bundled font, so that PNGs look the same everywhere; system fonts supply missing
 * characters.
 */
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

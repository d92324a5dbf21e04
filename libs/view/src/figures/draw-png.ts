import { fileURLToPath } from "node:url";
import { Resvg, type ResvgRenderOptions } from "@resvg/resvg-js";

/** The bundled font, so that figures look the same everywhere; others supply missing characters. */
export const figureFont: NonNullable<ResvgRenderOptions["font"]> = {
  loadSystemFonts: true,
  fontFiles: [
    fileURLToPath(import.meta.resolve("@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf")),
  ],
  defaultFontFamily: "Arimo",
};

/** Draws an SVG on white at twice its size, for slides and papers. */
export function drawPng(svg: string): Buffer {
  const options = { fitTo: { mode: "zoom", value: 2 }, background: "#ffffff", font: figureFont };
  return new Resvg(svg, options as ResvgRenderOptions).render().asPng();
}

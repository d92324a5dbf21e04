// Parts of Vega-Lite specifications that the pages' figures share.
import { methodColours, mutedColour } from "@fedclair/core";

/** A quantitative channel. */
export function number(field, title, { scale = {}, ...axis } = {}) {
  // A browser's font may be wider than the one that overlaps are computed with.
  const labels = { labelOverlap: true, labelSeparation: 8 };
  return { field, type: "quantitative", title, scale, axis: { grid: false, ...labels, ...axis } };
}

/** A colour per series, in the given order, with a legend below the panel. */
export function series(field, domain) {
  const scale = { domain, range: methodColours.slice(0, domain.length) };
  return { field, type: "nominal", scale, legend: { orient: "bottom", columns: 2 } };
}

/** A panel with lines through points, one line per series. @param {object} encoding x, y, color */
export function linePanel(title, values, encoding, layers = []) {
  const line = { data: { values }, mark: { type: "line", point: { filled: true } }, encoding };
  const size = { width: 210, height: 180 };
  return { ...size, title, ...(layers.length === 0 ? line : { layer: [line, ...layers] }) };
}

/** A horizontal line. */
export function level(y) {
  const encoding = { y: { field: "y", type: "quantitative" } };
  return { data: { values: [{ y }] }, mark: { type: "rule", color: mutedColour }, encoding };
}

/** Panels side by side, each with its own scales and legend. */
export function row(...panels) {
  const resolve = { scale: { color: "independent" } };
  return { hconcat: panels, spacing: 55, bounds: "flush", resolve };
}

/** Strips of images below one another, each with its label. */
export function strips(values, { width, height }) {
  const y = { field: "label", type: "nominal", sort: null, title: null };
  const axis = { domain: false, ticks: false, labelLimit: 200, minExtent: 150 };
  return {
    width,
    height: { step: height + 8 },
    data: { values },
    mark: { type: "image", width, height, smooth: false },
    encoding: { x: { value: width / 2 }, y: { ...y, axis }, url: { field: "url" } },
  };
}

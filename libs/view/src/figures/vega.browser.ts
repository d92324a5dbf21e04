import * as Vega from "vega";
import type { TextMetrics } from "./vega.js";

/* For the condition `browser` of package.json: the bundler takes the packages apart. */
export const vega = Vega as typeof Vega & TextMetrics;
export { compile } from "vega-lite";

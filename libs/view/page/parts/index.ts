export {
  countNoun,
  formatAgo,
  formatBytes,
  formatMoment,
  formatRatio,
  formatSeconds,
  formatTick,
  formatValue,
} from "./format.js";
export { Facts, Notice, Section, Table } from "./parts.js";

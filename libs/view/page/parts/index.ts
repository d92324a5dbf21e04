export {
  countLabel,
  formatAgo,
  formatMoment,
  formatRatio,
  formatSeconds,
  formatTick,
  formatValue,
} from "./format.js";
export { formatBytes } from "@fedclair/runs/numbers";
export { Command } from "./command.js";
export { Choice, Facts, PageNotice, Section, PageTable } from "./parts.js";

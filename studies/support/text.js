// How studies print what they have counted.
import { wilsonInterval } from "@fedclair/runs";

/**
 * Formats a Markdown table.
 * @param {readonly (readonly unknown[])[]} rows the first one holds the titles
 */
export function markdown([head = [], ...rows]) {
  const line = (/** @type {readonly unknown[]} */ row) => `| ${row.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/**
 * Formats a share with its 95 % interval: `0.150 (0.052–0.360)`.
 * @param {number} count
 * @param {number} total
 */
export function shareText(count, total) {
  const { low, high } = wilsonInterval(count, total);
  return `${(count / total).toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
}

/**
 * Formats a count with the 95 % interval of its share: `3 of 20 (0.05–0.36)`.
 * @param {number} count
 * @param {number} total
 */
export function countText(count, total) {
  const { low, high } = wilsonInterval(count, total);
  return `${count} of ${total} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

/**
 * Adds up one number of each item.
 * @template {string} K
 * @param {readonly Readonly<Record<K, number>>[]} items
 * @param {K} key
 */
export function sumOf(items, key) {
  return items.reduce((total, item) => total + item[key], 0);
}

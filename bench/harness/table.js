// Formats rows for a terminal: medians, and the ratio to each other side (below 1: faster).
import { median } from "./compare.js";

export function formatHeading() {
  return `${"".padEnd(62)}${"ms".padStart(11)}   others: ms, ratio (below 1: faster)`;
}

/** @param row as `measure` returns it */
export function formatRow({ name, cores, backend, sides }) {
  const { fedclair, ...others } = sides;
  const own = median(fedclair.samples);
  const comparisons = Object.entries(others).map(([side, { samples, facts }]) => {
    const theirs = median(samples);
    return `${side} ${formatNumber(theirs)}, ${(own / theirs).toFixed(2)}${formatFacts(facts)}`;
  });
  const where = [cores > 1 && `${cores} cores`, backend].filter(Boolean).join(", ");
  const label = where ? `${name} (${where})` : name;
  const mine = `${formatNumber(own).padStart(11)}${formatFacts(fedclair.facts)}`;
  return `  ${label.padEnd(60)}${mine}   ${comparisons.join("; ")}`.trimEnd();
}

function formatFacts(facts) {
  const text = Object.entries(facts).map(([name, value]) => `${name} ${formatNumber(value)}`);
  return text.length === 0 ? "" : ` [${text.join(", ")}]`;
}

/** Formats a number with three digits and no exponent. */
function formatNumber(value) {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

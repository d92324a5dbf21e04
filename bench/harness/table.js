// Rows as lines of a terminal: medians, and the ratio to each other side (below 1: faster).
import { median } from "./compare.js";

export function heading() {
  return `${"".padEnd(62)}${"ms".padStart(11)}   others: ms, ratio (below 1: faster)`;
}

/** @param row as `measure` returns it */
export function line({ name, cores, backend, sides }) {
  const { fedclair, ...others } = sides;
  const own = median(fedclair.samples);
  const told = Object.entries(others).map(([side, { samples, facts }]) => {
    const theirs = median(samples);
    return `${side} ${digits(theirs)}, ${(own / theirs).toFixed(2)}${factText(facts)}`;
  });
  const where = [cores > 1 && `${cores} cores`, backend].filter(Boolean).join(", ");
  const label = where ? `${name} (${where})` : name;
  const mine = `${digits(own).padStart(11)}${factText(fedclair.facts)}`;
  return `  ${label.padEnd(60)}${mine}   ${told.join("; ")}`.trimEnd();
}

function factText(facts) {
  const text = Object.entries(facts).map(([name, value]) => `${name} ${digits(value)}`);
  return text.length === 0 ? "" : ` [${text.join(", ")}]`;
}

/** Three digits, without an exponent. */
function digits(value) {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

import { faint, ink, muted } from "./figure-style.js";

/** The only style sheet of the page. Figures have colours for white paper; dark mode swaps them. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: ${ink}; --muted: ${muted}; --faint: ${faint}; --alarm: #b00000; --tint: #f5f5f3;
}
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #16181c; --ink: #e6e6e3; --muted: #a3a6ab; --faint: #3a3d44; --alarm: #ff7b72; --tint: #1f2228; }
  svg { filter: saturate(1.1) brightness(1.15); }
  .mark-rect { filter: brightness(.75); }
}
* { box-sizing: border-box; }
body {
  max-width: 900px; margin: 0 auto; padding: 2rem 1.25rem 4rem;
  background: var(--paper); color: var(--ink);
  font: 15px/1.5 Arial, Helvetica, "Liberation Sans", sans-serif;
}
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .5rem; padding-top: .5rem; border-top: 1px solid var(--faint); }
.claim { font-size: 1.05rem; color: var(--muted); margin: .2rem 0 1rem; }
.verdict { font-size: 1.05rem; padding: .7rem 1rem; background: var(--tint); border-left: 4px solid #0072b2; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
figure svg { max-width: 100%; height: auto; overflow: visible; }
.mark-rect path { shape-rendering: crispEdges; }
figcaption, .note { color: var(--muted); font-size: .87rem; }
figcaption a { color: inherit; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .84rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
th { text-align: left; vertical-align: bottom; border-bottom: 1px solid var(--muted); padding: .25rem .9rem .25rem 0; }
td { vertical-align: top; border-bottom: 1px solid var(--faint); padding: .2rem .9rem .2rem 0; }
.number { text-align: right; }
td:not(:last-child) { white-space: nowrap; }
td.text:last-child { min-width: 11rem; overflow-wrap: anywhere; }
.tall .wide { max-height: 36rem; overflow: auto; border-bottom: 1px solid var(--muted); }
.tall th { position: sticky; top: 0; background: var(--paper); }
.names { overflow-wrap: anywhere; }
.warning { color: var(--alarm); }
.mistake { color: var(--alarm); font-weight: bold; }
pre { background: var(--tint); padding: .8rem 1rem; overflow-x: auto; font-size: .8rem; line-height: 1.4; }
code { font-size: .92em; }
svg [fill="${ink}"] { fill: var(--ink); }
svg [stroke="${ink}"] { stroke: var(--ink); }
svg [fill="${muted}"] { fill: var(--muted); }
svg [stroke="${muted}"] { stroke: var(--muted); }
svg [stroke="${faint}"] { stroke: var(--faint); }
@media screen and (max-width: 680px) {
  .drawing { overflow-x: auto; }
  /* Labels may be wider than Arial's, and would be cut. */
  .drawing svg { max-width: 640px; padding-left: 16px; }
  td.text:last-child { min-width: 20rem; }
}
@media print {
  body { padding: 0; max-width: none; font-size: 12px; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .tall .wide { max-height: none; }
}
`;

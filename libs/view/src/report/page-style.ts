import { faint, ink, muted } from "../figures/figure-style.js";

/** The only style sheet of the page. Figures have colours for white paper; dark mode swaps them. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: ${ink}; --muted: ${muted}; --faint: ${faint}; --alarm: #b00000; --tint: #f5f5f3; --link: #0b63b0; --flag: #b03e00;
}
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #16181c; --ink: #e6e6e3; --muted: #a3a6ab; --faint: #3a3d44; --alarm: #ff7b72; --tint: #1f2228; --link: #6fb7f2; --flag: #ff8a42; }
  svg { filter: saturate(1.1) brightness(1.15); }
  .mark-rect { filter: brightness(.75); }
  svg image { filter: invert(.9) hue-rotate(180deg); }
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
ul.verdict { padding-left: 2.2rem; }
.answer { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.2rem; margin: 1.2rem 0; }
.answer dt { font-weight: bold; grid-column: 1; }
.answer dd { margin: 0; grid-column: 2; overflow-wrap: anywhere; }
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
td.number { white-space: nowrap; }
td:not(:last-child) { white-space: nowrap; }
tbody th { font-weight: normal; border-bottom: 1px solid var(--faint); }
td.text:last-child { min-width: 16rem; overflow-wrap: anywhere; }
tr:has(:target) { background: var(--tint); outline: 2px solid var(--link); }
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
.drawing { position: relative; overflow-x: auto; margin-left: -14px; padding-left: 14px; } /* room for labels in fonts wider than Arial */
.at-narrow { display: none; }
@media screen and (min-width: 960px) {
  /* Wide tables and labels may leave the column of text, as far as the window goes. */
  .wide { width: max-content; max-width: calc(50vw + 390px); }
  .client .wide { max-width: 100%; }
  td.text:last-child { min-width: 20rem; }
  .drawing { margin-left: -32px; padding-left: 32px; }
}
@media screen and (max-width: 680px) {
  body { padding: 1.2rem 1rem 3rem; }
  .at-wide { display: none; }
  .at-narrow { display: block; }
  /* Too wide for a phone: it scrolls. Labels may be wider than Arial's, and would be cut. */
  .drawing:not(.at-narrow) svg { max-width: 640px; padding-left: 16px; }
  /* Texts are off the screen at first; many short lines of them would leave the rows empty. */
  td.text:last-child { min-width: 34rem; }
  .answer { grid-template-columns: 1fr; gap: .2rem; }
  .answer dt { margin-top: .5rem; }
  .answer dd { grid-column: 1; }
}
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
button, input { font: inherit; color: inherit; }
button { cursor: pointer; }
.sort { font: inherit; font-weight: bold; border: 0; padding: 0; background: none; text-align: inherit; min-height: 24px; }
/* The arrow is no part of the name of the button, where browsers know this notation. */
.sort::after { content: "\\2195"; content: "\\2195" / ""; color: var(--muted); padding-left: .25em; }
[aria-sort="descending"] .sort::after { content: "\\2193"; content: "\\2193" / ""; color: inherit; }
[aria-sort="ascending"] .sort::after { content: "\\2191"; content: "\\2191" / ""; color: inherit; }
input[type="search"] { background: var(--paper); border: 1px solid var(--muted); border-radius: 4px; padding: .15rem .4rem; }
.tip { position: absolute; pointer-events: none; padding: .15rem .5rem; border-radius: 4px; font-size: .84rem; white-space: nowrap; background: var(--ink); color: var(--paper); }
.tip:empty { display: none; }
.off { display: none; }
.has-legend .role-legend { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; }
.legend button, .chooser button, .neighbours button { border: 0; padding: 0; background: none; min-height: 24px; }
.legend button { display: inline-flex; align-items: center; gap: .3rem; font-size: .87rem; }
.legend [aria-pressed="false"] { color: var(--muted); text-decoration: line-through; }
.chooser button, .neighbours button { color: var(--link); text-decoration: underline; }
.chooser [aria-pressed="true"] { font-weight: bold; }
.chooser ul, .neighbours { list-style: none; padding: 0; margin: .4rem 0; display: flex; flex-wrap: wrap; gap: .1rem 1.3rem; font-size: .87rem; }
.slider { display: flex; align-items: center; gap: 1rem; font-weight: bold; }
.slider input { flex: 1; min-width: 8rem; accent-color: var(--link); }
.player { display: flex; align-items: center; gap: .8rem; margin: .3rem 0; font-size: .87rem; }
.player button { min-width: 4.5rem; min-height: 28px; border: 1px solid var(--muted); border-radius: 4px; background: none; }
.player label { flex: 1; display: flex; align-items: center; gap: .8rem; font-variant-numeric: tabular-nums; }
.player input { flex: 1; max-width: 26rem; min-width: 6rem; accent-color: var(--link); }
.underway [class*="moving"] path { opacity: .35; }
.underway [class*="arrival"] { visibility: hidden; }
.mover { stroke: var(--paper); stroke-width: .8; }
.strip svg { display: block; overflow: visible; font-size: 12px; }
.strip text { fill: var(--ink); }
.strip .grid { stroke: var(--faint); }
.strip .limit { stroke: var(--ink); stroke-dasharray: 5 3; }
.strip polyline { fill: none; stroke: var(--link); stroke-width: 1.6; }
.strip circle { fill: var(--paper); stroke: var(--link); stroke-width: 1.4; cursor: pointer; }
.strip .undecided { stroke: var(--ink); stroke-width: 2.6; }
.strip .flagged { fill: var(--flag); stroke: var(--flag); }
.strip .chosen { stroke: var(--ink); stroke-width: 3; }
.client { margin: 1rem 0; padding: .2rem 1rem .8rem; background: var(--tint); border-left: 4px solid var(--link); }
.others line { stroke: var(--muted); opacity: .55; }
.others circle { fill: var(--flag); }
@media print {
  #rounds, .filter, .player, .mover { display: none; }
  .underway [class*="moving"] path { opacity: revert; }
  .underway [class*="arrival"] { visibility: visible; }
  .has-legend .role-legend { display: inline; }
  .legend { display: none; }
  .sort::after { content: ""; }
  body { padding: 0; max-width: none; font-size: 12px; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .tall .wide { max-height: none; }
}
`;

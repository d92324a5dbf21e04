import { makeFigurePointable } from "./figures.js";
import { makeFigurePlayable } from "./playable-figure.js";
import { linkRuns } from "./run-links.js";
import { showRounds } from "./show-rounds.js";
import { makeTableSortable } from "./tables.js";

document.documentElement.classList.add("scripted");
for (const figure of document.querySelectorAll("figure")) makeFigurePointable(figure);
for (const figure of document.querySelectorAll<HTMLElement>("figure:not([data-moves=''])"))
  makeFigurePlayable(figure);
for (const table of document.querySelectorAll("table")) makeTableSortable(table);
// Paper cannot unfold anything. All differences of a sweep would be many pages.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll<HTMLDetailsElement>("details:not(.long)"))
    details.open = true;
});
linkRuns();
void showRounds();

import { h, render } from "preact";
import { Rounds } from "../client/rounds.js";
import { unpackRounds } from "../data/read-rounds.js";

/** Shows the rounds of the run in their place on the page, if it has them. */
export async function showRounds(): Promise<void> {
  const place = document.getElementById("rounds");
  const data = await unpackRounds();
  if (place && data) render(h(Rounds, { data, isReport: true }), place);
}

import { effect } from "@preact/signals";
import { render } from "preact";
import { App, stageTexts } from "./app.js";
import { listDropped } from "./chosen-files.js";
import { Tab } from "./tab.js";

/**
 * Reads the token and the number of clients behind the `#` of the address, which a browser does not
 * send to the server, and removes them from the address and its history.
 */
function takeFragment(): {
  readonly token: string;
  readonly capacity: number | undefined;
} {
  const given = new URLSearchParams(location.hash.slice(1));
  if (location.hash !== "") history.replaceState(null, "", location.pathname);
  const capacity = Number(given.get("clients"));
  return {
    token: given.get("token") ?? "",
    capacity: Number.isInteger(capacity) && capacity > 0 ? capacity : undefined,
  };
}

const root = document.getElementById("page");
const tab = new Tab(takeFragment());
// The browser itself may keep the connection of a closed page for a while.
addEventListener("pagehide", () => {
  tab.close();
});
// A file that is dropped beside the form would replace the page, and end its work.
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) document.body.classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const { dataTransfer } = event;
  if (dataTransfer && dataTransfer.types.includes("Files"))
    void tab.choose(listDropped(dataTransfer));
});
effect(() => {
  const { name } = tab.stage.value;
  const round = tab.rounds.value[0]?.round ?? 0;
  const what = name === "joined" && round > 0 ? `round ${round}` : stageTexts[name];
  document.title = `${what} – fedclair`;
});
if (root) render(<App tab={tab} />, root);

import { render } from "preact";
import { App } from "./app.js";
import { Playground } from "./playground.js";
import { parseSetting } from "./settings.js";

const playground = new Playground(parseSetting(location.hash));
addEventListener("hashchange", () => {
  playground.start(parseSetting(location.hash));
});
const root = document.getElementById("page");
if (root) render(<App playground={playground} />, root);

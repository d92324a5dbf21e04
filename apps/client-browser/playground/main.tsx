import { render } from "preact";
import { App } from "./app.js";
import { Playground } from "./playground.js";
import { parseSetting } from "./settings.js";

const playground = new Playground(parseSetting(location.hash));
addEventListener("hashchange", () => {
  playground.start(parseSetting(location.hash));
});
// Browsers have service workers only on secure origins.
if (isSecureContext) void navigator.serviceWorker.register("offline.js");
const root = document.getElementById("page");
if (root) render(<App playground={playground} />, root);

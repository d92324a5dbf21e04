import { render } from "preact";
import { App } from "./app.js";

// Browsers have service workers only on secure origins.
if (isSecureContext) void navigator.serviceWorker.register("offline.js");
const root = document.getElementById("page");
if (root) render(<App />, root);

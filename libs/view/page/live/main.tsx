import { render } from "preact";
import { LiveApp } from "./app.js";

const root = document.getElementById("page");
if (root) render(<LiveApp />, root);

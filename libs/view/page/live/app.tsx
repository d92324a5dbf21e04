import { effect, signal } from "@preact/signals";
import { ListView } from "./list-view.js";
import { parseRoute, type Route } from "../../src/data/routes.js";
import { RunView } from "./run-view.js";

const route = signal<Route>(parseRoute(location.hash));
addEventListener("hashchange", () => {
  route.value = parseRoute(location.hash);
  scrollTo(0, 0);
});
effect(() => {
  if (route.value.view !== "run") document.title = "fedclair";
});

export function LiveApp() {
  const now = route.value;
  if (now.view === "run") return <RunView key={now.path} path={now.path} />;
  return <ListView key={now.path} folder={now.path} />;
}

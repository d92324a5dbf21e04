import { effect, signal } from "@preact/signals";
import { CompareView } from "./compare-view.js";
import { ListView } from "./list-view.js";
import { formatRoute, parseRoute, type Route } from "./routes.js";
import { RunView } from "./run-view.js";

const route = signal<Route>(parseRoute(location.hash));
addEventListener("hashchange", () => {
  route.value = parseRoute(location.hash);
  scrollTo(0, 0);
});
effect(() => {
  if (route.value.view !== "run") document.title = "fedclair";
});

export function App() {
  const now = route.value;
  if (now.view === "run") return <RunView key={now.path} path={now.path} />;
  if (now.view === "compare") return <CompareView key={formatRoute(now)} paths={now.paths} />;
  return <ListView key={now.folder} folder={now.folder} />;
}

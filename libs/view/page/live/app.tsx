import { effect } from "@preact/signals";
import { ListView } from "./list-view.js";
import { route } from "./route.js";
import { RunView } from "./run-view.js";

effect(() => {
  if (route.value.view !== "run") document.title = "fedclair";
});

export function LiveApp() {
  const now = route.value;
  if (now.view === "run") return <RunView key={now.path} path={now.path} />;
  return <ListView key={now.path} folder={now.path} />;
}

import { element } from "./create-element.js";

/**
 * Links each run without a report of its own to its view on the live page, which exists only where
 * the live page serves the report.
 */
export function linkRuns(): void {
  const [, path] = /^\/report\/(.*?)\/?report\.html$/.exec(location.pathname) ?? [];
  if (path === undefined || !location.protocol.startsWith("http")) return;
  for (const name of document.querySelectorAll<HTMLElement>("#runs [data-run]")) {
    const run = encodeURIComponent(name.dataset["run"] ?? "");
    const address = `/#/run/${path === "" ? run : `${path}/${run}`}`;
    name.replaceWith(element("a", { href: address }, name.textContent));
  }
}

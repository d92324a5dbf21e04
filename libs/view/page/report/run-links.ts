import { element } from "./create-element.js";

/**
 * Links each run without a report of its own to the live page's view of it, in the list of runs and
 * in the cells of heat maps. Only where the live page serves the report is there such a view.
 */
export function linkRuns(): void {
  const [, path] = /^\/report\/(.*?)\/?report\.html$/.exec(location.pathname) ?? [];
  if (path === undefined || !location.protocol.startsWith("http")) return;
  for (const name of document.querySelectorAll<HTMLElement>("#runs [data-run]")) {
    const run = encodeURIComponent(name.dataset["run"] ?? "");
    const address = `/#/run/${path === "" ? run : `${path}/${run}`}`;
    const place = name.closest("[id^='run-']")?.id ?? "";
    name.replaceWith(element("a", { href: address }, name.textContent));
    for (const cell of document.querySelectorAll("svg a")) {
      const attribute = cell.hasAttribute("href") ? "href" : "xlink:href";
      if (cell.getAttribute(attribute) === `#${place}`) cell.setAttribute(attribute, address);
    }
  }
}

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The root of the repository, which is also the root of the site. */
export const root = join(import.meta.dirname, "../..");

/**
 * @typedef {object} Page
 * @property {string} text the name of the page in lists
 * @property {string} path of the file, from the root
 * @property {string} summary
 */

/**
 * Lists the pages of docs/README.md by section. The sidebar and llms.txt show the same.
 * @returns {{ title: string, pages: Page[] }[]}
 */
export function listSections() {
  const text = readFileSync(join(root, "docs/README.md"), "utf8");
  const [, ...sections] = text.split(/^## /m);
  return sections.map((section) => {
    const [title = ""] = section.split("\n", 1);
    const pages = [...section.matchAll(/^- \[(.+)\]\((\S+)\): (.+)$/gm)];
    return {
      title,
      pages: pages.map(([, text, link, summary]) => ({ text, path: join("docs", link), summary })),
    };
  });
}

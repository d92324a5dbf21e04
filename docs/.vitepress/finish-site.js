import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { linkedFiles } from "./markdown.js";
import { listSections, root } from "./sections.js";

/**
 * Completes the site that VitePress has built: copies the files that pages link to and the sources
 * of the pages, writes llms.txt, and checks the links to headings.
 * @throws Error if a link leads to a heading that does not exist
 */
export function finishSite({ outDir, pages, rewrites }) {
  for (const file of [...linkedFiles, ...pages]) {
    mkdirSync(dirname(join(outDir, file)), { recursive: true });
    copyFileSync(join(root, file), join(outDir, file));
  }
  writeFileSync(join(outDir, "llms.txt"), formatIndex());
  const written = pages.map((page) => (rewrites.map[page] ?? page).replace(/\.md$/, ".html"));
  const dead = listDeadAnchors(outDir, written);
  if (dead.length > 0) throw new Error(`dead links:\n${dead.join("\n")}`);
}

/** The index of the documentation for language models: a link to the source of each page. */
function formatIndex() {
  const [, summary = ""] =
    /^# fedclair\n\n([^]*?)\n\n/.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
  const sections = listSections().map(({ title, pages }) => {
    const lines = pages.map(({ text, path, summary: what }) => `- [${text}](${path}): ${what}`);
    return `## ${title}\n\n${lines.join("\n")}\n`;
  });
  const quote = summary.replaceAll("\n", " ").replaceAll("**", "");
  return ["# fedclair\n", `> ${quote}\n`, ...sections].join("\n");
}

/** Lists the links, as `page: link`, to an element that the linked page does not have. */
function listDeadAnchors(outDir, names) {
  const texts = new Map(names.map((name) => [name, readFileSync(join(outDir, name), "utf8")]));
  const ids = new Map(
    [...texts].map(([name, text]) => [
      name,
      new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)),
    ]),
  );
  return [...texts].flatMap(([name, text]) => {
    const links = [...text.matchAll(/ href="([^":]*)#([^"]+)"/g)];
    return links.flatMap(([, path, hash]) => {
      const target = path === "" ? name : posix.join(posix.dirname(name), path);
      const isDead = !ids.get(target)?.has(decodeURIComponent(hash));
      return isDead ? [`${name}: ${path}#${hash}`] : [];
    });
  });
}

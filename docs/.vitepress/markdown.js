import { readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root } from "./sections.js";

/** Files of the repository that pages link to, from the root. They are copied to the site. */
export const linkedFiles = new Set();

/** Anchors are those of the repository's web page, so that links to them work in both. */
export function slugify(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");
}

/**
 * A plug-in of markdown-it. A link to a file that is not a page leads to a copy of it. A link to a
 * folder becomes plain text, because the site has no folders. Pictures get their size, so that
 * nothing moves when they arrive. Empty heads of tables become cells: a head needs a text.
 * @throws Error if a page links to a file that does not exist
 */
export function linkToFiles(md) {
  md.core.ruler.push("link-to-files", ({ tokens, env }) => {
    for (const [i, { children, content }] of tokens.entries()) {
      const [before, after] = [tokens[i - 1], tokens[i + 1]];
      if (before?.type === "th_open" && content === "") before.tag = after.tag = "td";
      let isFolder = false;
      for (const token of children ?? []) {
        if (token.type === "image") addSize(token, env.path);
        else if (token.type === "link_open") isFolder = adaptLink(token, env.path);
        else if (token.type === "link_close" && isFolder) token.tag = "span";
      }
    }
  });
}

/** Adds the size of a PNG or WebP file. @throws Error for a lossless WebP file without a canvas */
function addSize(token, page) {
  const src = token.attrGet("src") ?? "";
  if (!/\.(png|webp)$/.test(src) || /^[a-z]+:/.test(src)) return;
  const bytes = readFileSync(join(dirname(page), decodeURIComponent(src)));
  const read = {
    IHDR: () => [bytes.readUInt32BE(16), bytes.readUInt32BE(20)],
    VP8X: () => [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1],
    "VP8 ": () => [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff],
  }[bytes.toString("latin1", 12, 16)];
  if (!read) throw new Error(`${relative(root, page)}: the size of ${src} cannot be read`);
  const [width, height] = read();
  token.attrSet("width", String(width));
  token.attrSet("height", String(height));
}

/** @returns true if the link leads to a folder */
function adaptLink(token, page) {
  const href = token.attrGet("href") ?? "";
  if (/^([a-z]+:|#|\/)/.test(href)) return false;
  const [path = "", hash = ""] = decodeURIComponent(href).split("#");
  const file = relative(root, join(dirname(page), path));
  const stats = statSync(join(root, file), { throwIfNoEntry: false });
  if (file.startsWith("..") || !stats)
    throw new Error(`${relative(root, page)}: dead link ${href}`);
  if (stats.isDirectory()) {
    token.type = "span_open";
    token.tag = "span";
    token.attrs = null;
    return true;
  }
  if (file === "README.md") token.attrSet("href", relative(dirname(page), join(root, "index.md")));
  else if (!file.endsWith(".md")) {
    linkedFiles.add(file);
    token.attrSet("target", "_self"); // VitePress leaves such links as they are
  }
  return false;
}

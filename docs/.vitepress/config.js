import { defineConfig } from "vitepress";
import { finishSite } from "./finish-site.js";
import { linkToFiles, slugify } from "./markdown.js";
import { listSections } from "./sections.js";

/*
 * The pages are the Markdown files of docs and of the root and README.md of each method, at the
 * same paths, so that their links work on the repository's web page and on the site. README.md is
 * the first page.
 */
export default defineConfig({
  title: "fedclair",
  description: "Federated learning with contaminated clients: which they are, and what they cost",
  lang: "en",
  // Browsers ask for /favicon.ico otherwise, which does not exist.
  head: [["link", { rel: "icon", href: "data:," }]],
  srcDir: "..",
  srcExclude: ["!(docs|libs|*.md)/**", "libs/!(methods)/**", "libs/methods/*/*/**", ".*/**"],
  outDir: "../dist/docs",
  rewrites: { "README.md": "index.md" },
  cacheDir: "../node_modules/.cache/vitepress",
  markdown: {
    anchor: { slugify },
    // The default ones have too little contrast on the grey of code.
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config: (md) => md.use(linkToFiles),
  },
  themeConfig: {
    outline: [2, 3],
    notFound: { linkLabel: "Take me home" }, // the name of a link has the words that it shows
    search: {
      provider: "local",
      options: {
        miniSearch: {
          options: { processTerm: findTerm },
          // What a page or a section is about counts more than what it mentions.
          searchOptions: { boost: { title: 8, titles: 3, text: 1 } },
        },
      },
    },
    nav: [
      { text: "Start", link: "/docs/first-answer" },
      // They are no pages of this site; the build adds them.
      { text: "Playground", link: "/playground/index.html", target: "_self" },
      { text: "Audit", link: "/audit/index.html", target: "_self" },
      { text: "Gallery", link: "/docs/gallery" },
      { text: "Commands", link: "/docs/reference/commands" },
      // TypeDoc writes these pages afterwards, so they are no pages of this site.
      { text: "API", link: "/api/index.html", target: "_self" },
    ],
    sidebar: listSections().map(({ title, pages }, i) => ({
      text: title,
      collapsed: i > 1,
      items: pages.map(({ text, path }) => ({ text, link: `/${path}` })),
    })),
  },
  vite: { build: { chunkSizeWarningLimit: 1500 } },
  buildEnd: finishSite,
});

/**
 * Words that readers search for, as this documentation writes them. The page runs it in the
 * browser, from its text, so it can use nothing from outside.
 */
function findTerm(term) {
  const word = term.toLowerCase();
  const known = { my: "your", wandb: "tensorboard" };
  return known[word] ?? word;
}

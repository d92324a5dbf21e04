import { useData } from "vitepress";
// Its font would come late, and move the text of a page that is being read.
import DefaultTheme from "vitepress/theme-without-fonts";
import { h, onMounted } from "vue";
import { GalleryFilter } from "./filter.js";
import { Landing } from "./landing.js";
import "./style.css";

/** What stands above the text of a page, by its path. */
const above = { "index.md": Landing, "docs/gallery.md": GalleryFilter };

export default {
  extends: DefaultTheme,
  Layout: {
    setup() {
      onMounted(mendRoles);
      const { page } = useData();
      const first = () => {
        const part = above[page.value.relativePath];
        return part ? h(part) : undefined;
      };
      return () => h(DefaultTheme.Layout, undefined, { "doc-before": first });
    },
  },
};

/**
 * The title of a section opens and closes it, so the arrow in it need not be a button of its own,
 * which screen readers cannot reach inside another. The text of the search button is its name. The
 * page for wrong addresses has no landmark.
 */
function mendRoles() {
  for (const arrow of document.querySelectorAll("[role=button] > .caret[role=button]"))
    for (const name of ["role", "tabindex", "aria-label"]) arrow.removeAttribute(name);
  document.querySelector(".NotFound")?.setAttribute("role", "main");
  const search = document.querySelector(".DocSearch-Button");
  search?.removeAttribute("aria-label");
  search?.setAttribute("title", "Search"); // its name on phones, where it shows only a picture
}

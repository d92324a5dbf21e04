// How TypeDoc's pages look and what they tell screen readers: axe-core finds nothing in them.
import { DefaultTheme, PageEvent } from "typedoc";

/** TypeDoc's theme, without links inside the titles that open and close parts of the navigation. */
class Theme extends DefaultTheme {
  buildNavigation(project) {
    return super.buildNavigation(project).map(moveLink);
  }
}

/** A link inside a title that can be clicked itself is out of reach; it becomes the first entry. */
function moveLink({ path, children, ...node }) {
  if (!children) return { ...node, path };
  const own = path === undefined ? [] : [{ ...node, text: "overview", path }];
  return { ...node, children: [...own, ...children.map(moveLink)] };
}

/** @param app the TypeDoc application, before it writes pages */
export function mendApiPages(app) {
  app.renderer.defineTheme("fedclair", Theme);
  app.options.setValue("theme", "fedclair");
  app.renderer.on(PageEvent.END, (page) => {
    page.contents = mendPage(page.contents);
  });
}

function mendPage(html) {
  let level = 0;
  return html
    .replace('<div class="col-content">', '<div class="col-content" role="main">')
    .replace('<div class="col-sidebar">', '<div class="col-sidebar" role="complementary">')
    .replaceAll(/<summary.*?<\/summary>/gs, (title) =>
      title.replaceAll(/<a [^>]*tsd-anchor-icon.*?<\/a>/gs, ""),
    )
    .replaceAll(/<h(\d)\b(.*?)<\/h\1>/gs, (_, wanted, rest) => {
      level = Math.min(Number(wanted), level + 1);
      return `<h${level}${rest}</h${level}>`;
    });
}

/** Creates an element. Texts become text nodes, so nothing that a client sends is markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Creates an element of a drawing. */
export function svgElement<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>>,
): SVGElementTagNameMap[K] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Lists the corners of a path. */
export function pathPoints(path: SVGPathElement): (readonly [x: number, y: number])[] {
  const corners = (path.getAttribute("d") ?? "").matchAll(/[ML](-?[\d.e-]+),(-?[\d.e-]+)/g);
  return Array.from(corners, ([, x, y]) => [Number(x), Number(y)] as const);
}

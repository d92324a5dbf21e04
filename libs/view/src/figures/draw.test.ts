import assert from "node:assert/strict";
import { drawSvg } from "./draw.js";

describe("drawSvg", () => {
  const draw = (url: string) =>
    drawSvg({
      data: { values: [{ url }] },
      mark: { type: "image", width: 2, height: 2 },
      encoding: { url: { field: "url" } },
    });
  const imageIn = (svg: string) => /<image xlink:href="([^"]*)"/.exec(svg)?.[1];

  it("shows images that a figure contains, and loads none", async () => {
    const image = "data:image/png;base64,iVBORw0KGgo=";
    assert.equal(imageIn(await draw(image)), image);
    for (const url of ["https://example.org/a.png", "a.png", "data:image/svg+xml,<svg/>"]) {
      assert.equal(imageIn(await draw(url)), "", url);
    }
  });
});

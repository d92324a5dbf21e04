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

  it("draws any text: printable, and names that every object has", async () => {
    const texts = ["constructor", "toString", "__proto__", "a\u202eb\u200b\u0000"];
    const svg = await drawSvg({
      data: { values: texts.map((text, value) => ({ text, value })) },
      transform: [{ filter: { field: "text", oneOf: texts } }],
      mark: "point",
      encoding: {
        x: { field: "value", type: "quantitative", title: "valueOf" },
        y: { field: "text", type: "nominal", sort: texts },
      },
    });
    for (const shown of ["constructor", "toString", "__proto__", "valueOf", "a\ufffdb\ufffd\ufffd"])
      assert.ok(svg.includes(`>${shown}</text>`), shown);
  });
});

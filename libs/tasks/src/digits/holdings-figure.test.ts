import assert from "node:assert/strict";
import { decode } from "fast-png";
import { readMnist } from "./data.js";
import { holdingsFigures } from "./holdings-figure.js";
import { holdings } from "./holdings.js";
import { digitsSchema } from "./options.js";

interface Row {
  readonly client: string;
  readonly digits: number;
  readonly classes: string;
  readonly picture: string;
}

const attacked = new Set([2, 5, 11]);
const clients = {
  count: 20,
  name: (index: number) => `c${String(index).padStart(2, "0")}`,
  truth: (index: number) => (attacked.has(index) ? "label-flip" : "benign"),
};

async function draw(task: object, width = 860) {
  const input = { task: { name: "digits", ...task }, artifacts: [], arms: [], clients, width };
  const [figure] = await holdingsFigures(input);
  return figure && (figure.spec as { width: number; data: { values: Row[] } });
}

describe("the digits that clients hold", () => {
  it("has contaminated and benign clients, their counts, and their first digit in the picture", async () => {
    const spec = await draw({});
    const rows = spec?.data.values ?? [];
    assert.deepEqual(
      rows.map(({ client }) => client),
      [
        "c00",
        "c01",
        "c02 · label-flip",
        "c03",
        "c04",
        "c05 · label-flip",
        "c06",
        "c07",
        "c08",
      ].concat("c11 · label-flip"),
    );
    const data = await readMnist();
    const held = [...holdings(digitsSchema.parse({}), data, 20)(0)];
    const [row] = rows;
    assert.equal(row?.digits, held.length);
    const counts = Array.from({ length: 10 }, (_, d) => held.filter((i) => data.labels[i] === d));
    assert.equal(row.classes, counts.map(({ length }) => length).join(" "));
    const {
      width,
      height,
      data: pixels,
    } = decode(Buffer.from(row.picture.split(",")[1] ?? "", "base64"));
    assert.equal(height, 28);
    const columns = width / 28;
    const sorted = counts.flat();
    const first = sorted[Math.floor((0.5 * sorted.length) / columns)] ?? 0;
    for (let p = 0; p < 784; p++) {
      const ink =
        Number(data.images[first * 784 + p]) * (data.images instanceof Uint8Array ? 1 / 255 : 1);
      assert.equal(pixels[Math.floor(p / 28) * width + (p % 28)], 17 * (15 - Math.round(15 * ink)));
    }
    assert.ok(JSON.stringify(rows).length < 110_000, "leaves room for the rest of a report");
  });

  it("fits a phone, and shows nobody's own images", async () => {
    const spec = await draw({}, 360);
    assert.ok((spec?.width ?? 999) < 300);
    assert.equal(await draw({ source: { folder: "mine", classes: ["cat", "dog"] } }), undefined);
  });
});

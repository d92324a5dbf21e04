import assert from "node:assert/strict";
import { gramNT, multiply, symmetricEigen, thinQr, thinSvd } from "./index.js";
import { withScratch } from "./scratch.js";
import { gaussian } from "../testing/gaussian.js";

const memoryBytes = () => withScratch(({ array }) => array(0).buffer.byteLength);

describe("withScratch", () => {
  it("allocates zeros that do not overlap, at aligned addresses", () => {
    withScratch(({ array, block }) => {
      const taken = [array(3), block(3, 5).data, array(2)];
      taken.forEach((x, i) => x.fill(i + 1));
      taken.forEach((x, i) => {
        assert.ok(x.byteOffset % 16 === 0 && x.every((entry) => entry === i + 1));
      });
    });
    withScratch(({ array }) => {
      assert.ok(array(100).every((x) => x === 0));
    });
  });

  it("keeps arrays valid while a nested call grows the memory", () => {
    withScratch(({ array }) => {
      const kept = array(4).fill(7);
      withScratch((inner) => inner.array(memoryBytes() / 8).fill(1));
      assert.deepEqual([...kept], [7, 7, 7, 7]);
      const next = array(4);
      assert.equal(next.byteOffset, kept.byteOffset + 32);
    });
  });

  it("uses the same memory for every call, also after an error", () => {
    const a = gaussian(90, 90);
    const spoilt = a.copy();
    spoilt.data[5] = NaN;
    const use = () => {
      multiply(a, a);
      thinQr(a);
      thinSvd(a);
      symmetricEigen(gramNT(a));
      assert.throws(() => symmetricEigen(spoilt));
      assert.throws(() => thinSvd(spoilt));
    };
    use();
    const before = memoryBytes();
    for (let i = 0; i < 20; i++) use();
    assert.equal(memoryBytes(), before);
  });
});

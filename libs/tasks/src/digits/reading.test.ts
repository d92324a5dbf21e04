import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { UserError } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { readFolder } from "./data.js";
import { digitFiles, describeUnusualFiles } from "./folder-files.js";
import { inputAt } from "../perceptron/examples.js";
import { choose, pixels } from "./images.js";
import { idx, npy } from "../../testing/array-files.js";

/** Three digits that differ in their first numbers. */
const greys = Uint8Array.from({ length: 3 * pixels }, (_, i) => (i * 7) % 256);
const labels = Uint8Array.of(3, 0, 9);
const images = idx([3, 28, 28], greys);
const train = {
  "train-images-idx3-ubyte": images,
  "train-labels-idx1-ubyte": idx([3], labels),
};
const test = {
  "t10k-images-idx3-ubyte": idx([1, 28, 28], greys.subarray(pixels, 2 * pixels)),
  "t10k-labels-idx1-ubyte": idx([1], Uint8Array.of(5)),
};
const zipped = {
  "train-images-idx3-ubyte.gz": gzipSync(images),
  "train-labels-idx1-ubyte.gz": gzipSync(idx([3], labels)),
};
const expected = { images: greys, labels: Int32Array.from(labels), pixels, classes: 10 };

describe("reading digits", () => {
  let root: string;
  let folder: string;
  let folders = 0;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-digits-"));
  });
  after(() => rm(root, { recursive: true }));

  /** Writes the files into a new folder. */
  async function write(files: Readonly<Record<string, Buffer | string>>): Promise<void> {
    folder = join(root, `${folders++}`);
    await mkdir(folder);
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
  }

  async function read(files: Readonly<Record<string, Buffer | string>>) {
    await write(files);
    return readFolder(folder);
  }

  async function assertRejected(files: Readonly<Record<string, Buffer | string>>, message: RegExp) {
    await assert.rejects(
      read(files),
      (error) =>
        error instanceof UserError && message.test(error.message) && !/dist/.test(error.message),
      String(message),
    );
  }

  it("reads IDX, plain and gzipped, and npy of all types to the same bytes", async () => {
    const digits = await read(train);
    assert.deepEqual(digits, expected);
    assert.equal(inputAt(choose(digits, [1]), 0)[5], ((pixels + 5) * 7) % 256);
    assert.deepEqual(await read(zipped), expected);
    const units = Float32Array.from(greys, (grey) => grey / 255);
    const longs = BigInt64Array.from(labels, BigInt);
    for (const [type, data] of [
      ["<f4", units],
      ["<f8", Float64Array.from(greys, (grey) => grey / 255)],
      ["|u1", greys],
    ] as const) {
      const pair = {
        "images.npy": npy(type, "3, 784", data),
        "labels.npy": npy("<i8", "3,", longs),
      };
      assert.deepEqual(await read(pair), expected);
    }
    const packed = {
      "images.npy.gz": gzipSync(npy("<f4", "3, 28, 28", units)),
      "labels.npy": npy("<i4", "3,", Int32Array.from(labels)),
    };
    assert.deepEqual(await read(packed), expected);
  });

  it("converts numbers to bytes in many pieces", async () => {
    const count = 200;
    const many = Uint8Array.from({ length: count * pixels }, (_, i) => (i * 11) % 256);
    const digits = await read({
      "images.npy": npy(
        "<f4",
        `${count}, 784`,
        Float32Array.from(many, (grey) => grey / 255),
      ),
      "labels.npy": npy("|u1", `${count},`, new Uint8Array(count)),
    });
    assert.deepEqual(digits.images, many);
  });

  it("skips a gzipped file that is also there unzipped, and reports this", async () => {
    const other = gzipSync(idx([3, 28, 28], new Uint8Array(3 * pixels)));
    const digits = await read({ ...train, ...zipped, "train-images-idx3-ubyte.gz": other });
    assert.deepEqual(digits, expected);
    assert.match(
      describeUnusualFiles(digitFiles(folder)) ?? "",
      /train-images-idx3-ubyte\.gz and 1 more are not read: the same, unzipped, is beside it/,
    );
    await write(train);
    assert.equal(describeUnusualFiles(digitFiles(folder)), undefined);
  });

  it("reads several pairs as one, training files first, and reports this", async () => {
    const { images: all, labels: allLabels } = await read({ ...test, ...train });
    assert.deepEqual([...allLabels], [3, 0, 9, 5]);
    assert.deepEqual(all.subarray(3 * pixels), greys.subarray(pixels, 2 * pixels));
    assert.match(
      describeUnusualFiles(digitFiles(folder)) ?? "",
      /several pairs, which are read as one: train-images-idx3-ubyte, t10k-images-idx3-ubyte/,
    );
  });

  it("rejects two forms, and files without their partner", async () => {
    const json = JSON.stringify({ data: new Array<number>(pixels).fill(0) });
    await assertRejected(
      { ...train, "3.json": json },
      /idx3-ubyte is IDX, .*3\.json JSON: expected one/,
    );
    const pair = { "images.npy": images, "labels.npy": images };
    await assertRejected({ ...train, ...pair }, /idx3-ubyte is IDX, .*images\.npy NumPy/);
    await assertRejected(
      { "ada/1.json": json, "bob/images.npy": images, "bob/labels.npy": images },
      /form/,
    );
    await assertRejected({ "images.npy": images }, /has no labels beside it: expected labels\.npy/);
    await assertRejected(
      { ...train, "t10k-labels-idx1-ubyte": images },
      /has no images beside it: expected t10k-images-idx3-ubyte/,
    );
    await assertRejected(
      { "ada/1.json": json, "1.json": json },
      /has 1\.json beside the folder ada/,
    );
    await assertRejected({ "ada/1.json": json, "bob/read.me": "" }, /bob holds no digits/);
  });

  it("ignores files and folders whose names begin with a dot", async () => {
    const digits = await read({ ...train, ".cache/images": "", "._t10k-images-idx3-ubyte": "" });
    assert.deepEqual(digits, expected);
    const one = { "ada/train-images-idx3-ubyte": images, ".ipynb_checkpoints/x": "" };
    const written = await read({ ...one, "ada/train-labels-idx1-ubyte": idx([3], labels) });
    assert.deepEqual(written, { ...expected, writers: ["ada"], owners: new Int32Array(3) });
  });

  it("unzips no more than the header promises", async () => {
    const zeros = Buffer.alloc(64 << 20);
    const bomb = gzipSync(Buffer.concat([images, zeros]));
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }, 1);
    await assertRejected(
      {
        "train-images-idx3-ubyte.gz": bomb,
        "train-labels-idx1-ubyte": train["train-labels-idx1-ubyte"],
      },
      /expected 2352 bytes of numbers for 3×28×28, got more/,
    );
    clearInterval(watch);
    assert.ok(most < zeros.length / 4, `${most} bytes`);
  });

  it("detects files that are too short or too long, before it allocates memory", async () => {
    const rest = { "train-labels-idx1-ubyte": train["train-labels-idx1-ubyte"] };
    const short = idx([3, 28, 28], greys.subarray(1));
    await assertRejected({ ...rest, "train-images-idx3-ubyte": short }, /got 2351: .*cut off/);
    await assertRejected(
      { ...rest, "train-images-idx3-ubyte.gz": gzipSync(short) },
      /expected 2352 bytes .* got 2351: the file is cut off/,
    );
    await assertRejected(
      { ...rest, "train-images-idx3-ubyte.gz": gzipSync(images).subarray(0, -100) },
      /the gzip is cut off \(unexpected end of file\)/,
    );
    await assertRejected(
      { ...rest, "train-images-idx3-ubyte.gz": images },
      /expected gzip: incorrect/,
    );
    const huge = idx([4_000_000_000, 28, 28], greys);
    for (const [name, content] of [
      ["train-images-idx3-ubyte", huge],
      ["train-images-idx3-ubyte.gz", gzipSync(huge)],
    ] as const) {
      await assertRejected({ ...rest, [name]: content }, /expected 3136000000000 bytes .* cut off/);
    }
    const many = idx([2], labels.subarray(1));
    await assertRejected({ ...train, "train-labels-idx1-ubyte": many }, /expected 3 labels, got 2/);
    const long = Buffer.concat([idx([3], labels), labels]);
    await assertRejected(
      { ...train, "train-labels-idx1-ubyte": long },
      /3 bytes of numbers for 3, got more/,
    );
  });

  it("reports the number that is no pixel or label, and the type that it cannot read", async () => {
    const three = { "labels.npy": npy("|u1", "3,", labels) };
    for (const [i, wrong] of [NaN, Infinity, -0.1].entries()) {
      const units = new Float32Array(3 * pixels);
      units[pixels + 17 + i] = wrong;
      await assertRejected(
        { ...three, "images.npy": npy("<f4", "3, 784", units) },
        new RegExp(`digit 1, pixel ${17 + i}: expected bytes, or .*, got ${wrong}`),
      );
    }
    await assertRejected(
      {
        ...three,
        "labels.npy": npy("<i4", "3,", Int32Array.of(1, 1000, 2)),
        "images.npy": npy("|u1", "3, 784", greys),
      },
      /label 1: expected 0 … 999, got 1000/,
    );
    await assertRejected(
      {
        "images.npy": npy("|u1", "3, 784", greys),
        "labels.npy": npy("<f4", "3,", Float32Array.of(1, 2, 2.5)),
      },
      /label 2: expected 0 … 999, got 2\.5/,
    );
    await assertRejected(
      { ...train, "train-images-idx3-ubyte": "what" },
      /expected IDX of unsigned bytes .* got '77686174'/,
    );
    await assertRejected(
      { ...three, "images.npy": npy("<f2", "3, 784", greys) },
      /expected numbers of type \|u1, .*, got '<f2'/,
    );
    await assertRejected(
      { ...three, "images.npy": npy("|u1", "3,", labels) },
      /expected images as count×rows×columns, got 3/,
    );
  });

  it("takes images of one size and scale from all pairs, and as many classes as labels", async () => {
    const pair = (name: string, shape: string, numbers: Float32Array, ...own: number[]) => ({
      [`${name}-images.npy`]: npy("<f4", shape, numbers),
      [`${name}-labels.npy`]: npy("<i4", `${own.length},`, Int32Array.from(own)),
    });
    const first = pair("a", "2, 1, 2", Float32Array.of(0, 0.5, 1, 8), 0, 11);
    const digits = await read({ ...first, ...pair("b", "1, 2", Float32Array.of(16, 4), 3) });
    assert.deepEqual([digits.pixels, digits.classes], [2, 12]);
    // All numbers are divided by 16, the largest.
    assert.deepEqual([...digits.images], [0, 8, 16, 128, 255, 64]);
    await assertRejected(
      { ...first, ...pair("b", "1, 3", Float32Array.of(1, 0, 1), 3) },
      /b-images\.npy has images of 3 numbers, .*a-images\.npy of 2/,
    );
  });

  it("reports what a JSON file has in place of numbers", async () => {
    await assert.rejects(readFolder(join(root, "missing")), /cannot read the folder .*missing/);
    await assertRejected({ "notes.txt": "" }, /no file 0.json … 9.json/);
    const numbers = new Array<unknown>(2 * pixels).fill(0.5);
    for (const wrong of [null, "0.5", [0.3], true, 2, -1, {}]) {
      const data = numbers.with(pixels + 3, wrong);
      const text = JSON.stringify(wrong).replace(/[[\]{}.]/g, "\\$&");
      await assertRejected(
        { "7.json": JSON.stringify({ data }) },
        new RegExp(`7\\.json: expected .*numbers in 0 … 1.*, got ${text} as digit 1, pixel 3`),
      );
    }
    for (const content of ["null", "[1]", "7", '{ "pixels": [0] }', '{ "data": "0" }']) {
      await assertRejected({ "7.json": content }, /7\.json: expected .* got no list 'data'/);
    }
    await assertRejected({ "7.json": '{ "data": [0, 1] }' }, /got 2 numbers/);
    await assertRejected({ "7.json": "seven" }, /7\.json is not JSON/);
    const large = Buffer.alloc(2 ** 26 + 1, " ");
    await assertRejected({ "7.json": large }, /7\.json: expected at most 67108864 bytes/);
    const { images: found } = await read({ "7.json": JSON.stringify({ data: numbers }) });
    assert.equal(item(found, 3), 0.5);
  });
});

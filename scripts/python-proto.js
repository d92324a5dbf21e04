// npm run lab -- python-proto: writes proto/ as a descriptor set for apps/client-python, which
// creates its message classes from it. The package then works without protoc and with any version
// of Python's protobuf. `--check` only compares.
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
    console.error(`${file} is out of date: run npm run lab -- python-proto`);
    process.exitCode = 1;
  }
} else await writeFile(file, bytes);

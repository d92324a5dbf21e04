// npm run lab -- wires [--ray PYTHON]: one round of 10,000 small updates over socket.io, gRPC and
// NATS (plain and JetStream), and over Ray with a Python that has it: docs/decisions/machines.md. A
// coordinator sends jobs of 100 bytes to a host, which answers each with an update of 1 KiB; at
// most 256 are under way. It needs nats-server and the right to make network namespaces, whose
// loopback counts the bytes with all headers. The packages go into a temporary folder.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArguments } from "../../scripts/arguments.js";

const packages = [
  ...["@grpc/grpc-js@1.14.7", "@grpc/proto-loader@0.8.1", "nats@2.29.3"],
  ...["socket.io@4.8.3", "socket.io-client@4.8.3"],
];
const { values } = parseArguments({ options: { ray: { type: "string" } } });
const folder = await mkdtemp(join(tmpdir(), "fedclair-wires-"));
const space = `fcw${process.pid}`;
const ip = (...args) => execFileSync("ip", args, { encoding: "utf8" });

/** Bytes that were sent over the loopback of the namespace. */
function countBytes() {
  const text = ip("netns", "exec", space, "cat", "/proc/net/dev");
  return Number(/lo: *(\d+)/.exec(text)[1]);
}

/** Runs a program in the namespace. */
function start(program, args, isSilent = false) {
  return spawn("ip", ["netns", "exec", space, program, ...args], {
    cwd: folder,
    stdio: isSilent ? "ignore" : ["ignore", "pipe", "inherit"],
    detached: true,
  });
}

async function outputOf(child) {
  let text = "";
  child.stdout.on("data", (data) => (text += data));
  await once(child, "close");
  return text;
}

let nats;
try {
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  execFileSync("npm", ["install", "--silent", "--prefix", folder, ...packages], {
    stdio: "inherit",
  });
  for (const name of ["both.js", "over_ray.py"]) {
    await writeFile(join(folder, name), await readFile(join(import.meta.dirname, "wires", name)));
  }
  ip("netns", "add", space);
  ip("-n", space, "link", "set", "lo", "up");
  nats = start("nats-server", ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", "4222"], true);
  console.log("| over | seconds | updates per second | bytes per update |");
  for (const kind of ["socket.io", "grpc", "nats", "jetstream", ...(values.ray ? ["ray"] : [])]) {
    const runs = [];
    for (let i = 0; i < 3; i++) {
      const before = countBytes();
      const text = await outputOf(
        kind === "ray"
          ? start(values.ray, ["over_ray.py"])
          : start(process.execPath, ["both.js", "coordinator", kind]),
      );
      const bytes = countBytes() - before;
      runs.push({
        seconds: Number(/seconds (\S+)/.exec(text)[1]),
        bytes: Number(/bytes (\d+)/.exec(text)?.[1] ?? bytes),
      });
    }
    runs.sort((a, b) => a.seconds - b.seconds);
    const { seconds, bytes } = runs[1];
    console.log(
      `| ${kind} | ${seconds.toFixed(2)} | ${(10_000 / seconds).toFixed(0)} | ${(bytes / 10_000).toFixed(0)} |`,
    );
  }
} finally {
  if (nats) process.kill(-nats.pid, "SIGKILL");
  try {
    ip("netns", "del", space);
  } catch {
    // it was not made
  }
  await rm(folder, { recursive: true, force: true });
}

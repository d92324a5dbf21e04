// A coordinator and its Python hosts as processes of this machine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadNamedPlugins } from "@fedclair/plugins";
import { prepareTrial } from "@fedclair/runs";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const fedclair = join(workspace, "apps/cli/bin/fedclair.js");

/** One core per host, so that numbers do not depend on the machine; no access to a model hub. */
export const hostEnvironment = (folder) => ({
  ...process.env,
  FEDCLAIR_LLM: folder,
  OMP_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  TOKENIZERS_PARALLELISM: "false",
  HF_HUB_OFFLINE: "1",
  HF_HUB_DISABLE_PROGRESS_BARS: "1",
  TRANSFORMERS_VERBOSITY: "error",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONWARNINGS: "ignore",
});

/**
 * Runs a trial to its end.
 * @param set changes of the trial file, for example `seed=2`
 * @returns seconds, and the peak memory of the coordinator and of the largest host in MB (only on
 *   Linux)
 * @throws Error if a process ends with an error
 */
export async function runFederation({ python, trial, set, out, folder }) {
  const begun = performance.now();
  const prepared = await prepareTrial(trial, set, loadNamedPlugins);
  const { clients } = prepared.trial;
  const hosts = Math.min(2, cpus().length);
  const options = [
    "--listen",
    "127.0.0.1:0",
    "--out",
    out,
    ...set.flatMap((one) => ["--set", one]),
  ];
  const coordinator = spawn(process.execPath, [fedclair, "coordinator", trial, ...options], {
    stdio: ["ignore", "inherit", "pipe"],
  });
  const children = [{ role: "coordinator", child: coordinator }];
  try {
    const url = await addressOf(coordinator);
    const capacity = String(Math.ceil(clients / hosts));
    const joining = ["--coordinator", url, "--capacity", capacity];
    for (let host = 0; host < hosts; host++) {
      const child = spawn(python, ["-m", "fedclair_host", "clients:make_client", ...joining], {
        cwd: fileURLToPath(new URL("../../trials/llm", import.meta.url)),
        env: hostEnvironment(folder),
        stdio: ["ignore", 2, 2],
      });
      children.push({ role: "host", child });
    }
    const memory = watchMemory(children);
    await Promise.all(children.map(({ child, role }) => success(child, role)));
    return { seconds: (performance.now() - begun) / 1000, memory: memory.stop() };
  } finally {
    for (const { child } of children) child.kill();
  }
}

/** Waits until the coordinator listens and passes its standard error on. @returns its address */
async function addressOf(coordinator) {
  return new Promise((resolve, reject) => {
    let text = "";
    coordinator.stderr.setEncoding("utf8").on("data", (part) => {
      process.stderr.write(part);
      if (text.length < 10_000) text += part;
      const [, url] = /listening on (http:[^"\s]+)/.exec(text) ?? [];
      if (url) resolve(url);
    });
    coordinator.once("exit", () => reject(new Error("the coordinator ended before it listened")));
  });
}

async function success(child, role) {
  const [code, signal] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
  if (code !== 0) throw new Error(`a ${role} ended with ${code ?? signal}`);
}

/** Reads the peak memory of processes from Linux every second. */
function watchMemory(children) {
  const most = {};
  const read = (file) => readFile(file, "utf8").catch(() => "");
  const look = async () => {
    for (const { role, child } of children) {
      const under = await read(`/proc/${child.pid}/task/${child.pid}/children`); // the command starts another process
      for (const pid of [child.pid, ...under.trim().split(" ")]) {
        const [, kilobytes] = /VmHWM:\s*(\d+) kB/.exec(await read(`/proc/${pid}/status`)) ?? [];
        if (kilobytes) most[role] = Math.max(most[role] ?? 0, Math.round(kilobytes / 1000));
      }
    }
  };
  const timer = setInterval(() => void look(), 1000);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

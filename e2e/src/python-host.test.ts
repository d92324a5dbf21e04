import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describeHost } from "@fedclair/wire/testing";
import { workspace } from "./support/paths.js";
import { installPython, mayInstall } from "./support/python.js";

let python: string | undefined;

describeHost(
  "fedclair-host of Python",
  (url) => {
    const args = ["conformance:make_client", "--coordinator", url, "--capacity", "2"];
    const child = spawn(python ?? "", ["-m", "fedclair_host", ...args, "--backend", "none"], {
      cwd: join(workspace, "apps/client-python/tests"),
      env: { ...process.env, FEDCLAIR_TOKEN: "secret", PYTHONDONTWRITEBYTECODE: "1" },
      stdio: ["ignore", "inherit", "pipe"],
    });
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (said: string) => {
      text += said;
    });
    const ended = once(child, "close").then(([code]: unknown[]) => ({
      exitCode: (code as number | null) ?? -1,
      text,
    }));
    return { ended, stop: () => child.kill("SIGKILL") };
  },
  async () => {
    if (mayInstall()) python = await installPython();
    return python !== undefined;
  },
);

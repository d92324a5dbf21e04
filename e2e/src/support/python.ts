import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { cleanUps } from "./afterwards.js";
import { startCoordinator } from "./federation.js";
import { workspace } from "./paths.js";

/** The folder of the example clients, from the workspace's root. */
export const examples = "apps/client-python/examples";

const run = promisify(execFile);
const environments = new Map<string, Promise<string | undefined>>();

/**
 * May tests use Python with these optional dependencies? `npm run test:python -- flower peft`
 * allows it, and `npm run test:python` allows numpy alone. Otherwise a message is printed.
 */
export function mayInstall(...extras: string[]): boolean {
  const allowed = process.env["FEDCLAIR_PYTHON"]?.split(/[ ,]+/);
  const missing = extras.filter((extra) => !allowed?.includes(extra));
  if (allowed !== undefined && missing.length === 0) return true;
  const what = missing.length > 0 ? missing.join(", ") : "numpy clients";
  const how = ["npm run test:python", ...(missing.length > 0 ? ["--", ...missing] : [])].join(" ");
  process.stderr.write(`tests with ${what} are skipped; they run by ${how}\n`);
  return false;
}

/**
 * Installs fedclair-host for Python at the first call.
 * @param extras optional dependencies of the package
 * @returns the path of its Python; undefined, after a message on stderr, without Python or a
 *   package index
 * @throws Error with pip's output if it fails otherwise
 */
export function installPython(...extras: string[]): Promise<string | undefined> {
  const key = extras.join();
  const script = join(workspace, "scripts/python-env.js");
  const environment =
    environments.get(key) ??
    run(process.execPath, [script, ...extras]).then(
      ({ stdout }) => stdout.trim(),
      (error: unknown) => {
        const { code, stderr } = error as { readonly code?: number; readonly stderr?: string };
        if (code !== 3) throw error; // 3: there is no Python or no package index
        process.stderr.write(stderr ?? "");
        return undefined;
      },
    );
  environments.set(key, environment);
  return environment;
}

/**
 * Skips the tests of a suite, with a message, unless `npm run test:python` runs them with these
 * dependencies, and if Python or one of them is missing.
 */
export function requirePython(...extras: string[]): void {
  before(async function () {
    this.timeout(900_000); // includes the installation
    if (!mayInstall(...extras) || (await installPython(...extras)) === undefined) this.skip();
  });
}

/** A running Python host. */
export interface PythonHost {
  readonly process: ChildProcess;
  /** The exit code, or the signal that ended it, and its stderr. */
  readonly ended: Promise<{ readonly code: number | string; readonly stderr: string }>;
  /** Waits for text on stderr. */
  waitForOutput(pattern: RegExp): Promise<void>;
}

const running = new Set<ChildProcess>();

/** @param cwd folder with the modules of its clients, from the workspace's root */
export async function startPythonHost(
  cwd: string,
  args: readonly string[],
  { extras = [], env = {} }: { extras?: string[]; env?: Record<string, string> } = {},
): Promise<PythonHost> {
  const python = await installPython(...extras);
  if (python === undefined) throw new Error("there is no Python");
  const child = spawn(python, ["-m", "fedclair_host", ...args], {
    cwd: join(workspace, cwd),
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", FEDCLAIR_TOKEN: undefined, ...env },
    stdio: ["ignore", "inherit", "pipe"],
  });
  running.add(child);
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const look of watchers) look();
  });
  const ended = once(child, "close").then(([code, signal]: unknown[]) => {
    running.delete(child);
    return { code: (code ?? signal) as number | string, stderr };
  });
  const waitForOutput = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (pattern.test(stderr)) resolve();
      };
      watchers.add(look);
      look();
      void ended.then(() => {
        reject(new Error(`it ended without saying ${String(pattern)}:\n${stderr}`));
      });
    });
  return { process: child, ended, waitForOutput };
}

/** Starts a coordinator and its Python hosts. */
export async function startPythonFederation(
  trial: string,
  out: string,
  changes: readonly string[],
  hosts: readonly (readonly string[])[],
  cwd = examples,
  env = {},
) {
  const set = changes.flatMap((change) => ["--set", change]);
  const { coordinator, url } = await startCoordinator([trial, "--out", out, "--no-report", ...set]);
  const started = [];
  for (const args of hosts) {
    started.push(await startPythonHost(cwd, [...args, "--coordinator", url], { env }));
  }
  return { coordinator, url, hosts: started };
}

cleanUps.push(async () => {
  for (const child of running) child.kill("SIGKILL");
  await Promise.all([...running].map((child) => once(child, "close")));
});

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterwards } from "./afterwards.js";
import { workspace } from "./paths.js";

const run = promisify(execFile);
const known = new Map<string, Promise<string | undefined>>();

/** May tests install these optional dependencies? `npm run test:python -- flower peft` says so; else a word is said. */
export function mayInstall(...extras: string[]): boolean {
  const allowed = (process.env["FEDCLAIR_PYTHON"] ?? "").split(/[ ,]+/);
  const missing = extras.filter((extra) => !allowed.includes(extra));
  if (missing.length > 0) {
    const how = `npm run test:python -- ${missing.join(" ")}`;
    process.stderr.write(`tests with ${missing.join(", ")} are skipped; they run by ${how}\n`);
  }
  return missing.length === 0;
}

/**
 * A Python with fedclair-host, made at the first call; undefined, with a word on stderr, where there is no Python or no
 * package index.
 * @param extras optional dependencies of the package
 * @throws Error, with what pip said, where it fails otherwise
 */
export function pythonWith(...extras: string[]): Promise<string | undefined> {
  const key = extras.join();
  const script = join(workspace, "scripts/python-env.js");
  const made =
    known.get(key) ??
    run(process.execPath, [script, ...extras]).then(
      ({ stdout }) => stdout.trim(),
      (error: unknown) => {
        const { code, stderr } = error as { readonly code?: number; readonly stderr?: string };
        if (code !== 3) throw error; // 3: there is no Python or no package index
        process.stderr.write(stderr ?? "");
        return undefined;
      },
    );
  known.set(key, made);
  return made;
}

/** For a suite whose tests take a Python with these optional dependencies: skips them, with a word, where there is none. */
export function takesPython(...extras: string[]): void {
  before(async function () {
    this.timeout(900_000); // they are installed now
    if (!mayInstall(...extras) || (await pythonWith(...extras)) === undefined) this.skip();
  });
}

/** A Python host under way. */
export interface PythonHost {
  readonly process: ChildProcess;
  /** The exit code, or the signal that ended it, and what it said. */
  readonly ended: Promise<{ readonly code: number | string; readonly stderr: string }>;
  /** Resolves when it has said so. */
  says(pattern: RegExp): Promise<void>;
}

const running = new Set<ChildProcess>();

/** @param cwd where the modules of its clients are, from the workspace's root */
export async function startPythonHost(
  cwd: string,
  args: readonly string[],
  { extras = [], env = {} }: { extras?: string[]; env?: Record<string, string> } = {},
): Promise<PythonHost> {
  const python = await pythonWith(...extras);
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
  const says = (pattern: RegExp) =>
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
  return { process: child, ended, says };
}

afterwards.push(async () => {
  for (const child of running) child.kill("SIGKILL");
  await Promise.all([...running].map((child) => once(child, "close")));
});

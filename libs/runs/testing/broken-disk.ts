import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

/** What goes wrong with a call that changes the disk. */
export type DiskFault =
  /** It fails, and does nothing. */
  | "EIO"
  /** It fails, and what it was to write is there by half. */
  | "ENOSPC"
  /** It happens by half, and no call after it happens: the process is killed. */
  | "killed";

/** Calls that change the disk, of the module and of open files. */
const calls = ["link", "mkdir", "rename", "rm", "rmdir", "writeFile"] as const;
const handleCalls = ["appendFile", "datasync", "sync", "truncate", "writeFile"] as const;

/**
 * Runs something while the `at`-th call of it that changes the disk goes wrong, counted from 1.
 * @returns how many there were
 */
export async function withBrokenDisk(
  at: number,
  fault: DiskFault,
  run: () => Promise<unknown>,
): Promise<number> {
  let count = 0;
  const real: Record<string, unknown> = { ...fs };
  const guarded =
    (owner: object, call: Call): Call =>
    async (...args) => {
      count++;
      if (count < at || (count > at && fault !== "killed")) return await call.apply(owner, args);
      if (count === at && fault !== "EIO") await half(call, owner, args);
      throw Object.assign(new Error(`${fault}: at call ${at}`), { code: fault, syscall: "write" });
    };
  const patched = fs as unknown as Record<string, Call>;
  for (const name of calls) patched[name] = guarded(fs, patched[name] as Call);
  patched["open"] = async (...args) => {
    if (fault === "killed" && count >= at) throw new Error(`${fault}: at call ${at}`);
    const file = (await (real["open"] as Call)(...args)) as FileHandle;
    for (const name of handleCalls) {
      Object.defineProperty(file, name, { value: guarded(file, Reflect.get(file, name) as Call) });
    }
    return file;
  };
  syncBuiltinESMExports();
  try {
    await run();
  } finally {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  }
  return count;
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** A call that writes content writes half of it; another one may or may not happen: it does not. */
async function half(call: Call, owner: object, args: readonly unknown[]): Promise<void> {
  const at = args.findIndex((arg, i) => {
    const isPath = i === 0 && args.length > 1;
    return !isPath && (typeof arg === "string" || arg instanceof Uint8Array);
  });
  const content = args[at] as string | Uint8Array | undefined;
  if (!/writeFile|appendFile/.test(call.name) || content === undefined) return;
  const part = content.slice(0, content.length / 2);
  await call.apply(owner, args.with(at, part));
}

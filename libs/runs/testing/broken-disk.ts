import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

/** The way in which a call that changes the disk fails. */
export type DiskFault =
  /** The call fails and does nothing. */
  | "EIO"
  /** The call fails after writing half of its content. */
  | "ENOSPC"
  /** The process is killed: the call completes by half, and no later call has an effect. */
  | "killed";

/** Functions of the module and of open files that change the disk. */
const calls = ["link", "mkdir", "rename", "rm", "rmdir", "writeFile"] as const;
const handleCalls = ["appendFile", "datasync", "sync", "truncate", "writeFile"] as const;

/**
 * Runs a function while one of its calls that change the disk fails.
 * @param at number of the failing call, from 1
 * @returns the number of such calls
 */
export async function withBrokenDisk(
  at: number,
  fault: DiskFault,
  run: () => Promise<unknown>,
): Promise<number> {
  let count = 0;
  const real: Record<string, unknown> = { ...fs };
  const guard =
    (owner: object, call: Call): Call =>
    async (...args) => {
      count++;
      if (count < at || (count > at && fault !== "killed")) return await call.apply(owner, args);
      if (count === at && fault !== "EIO") await writeHalf(call, owner, args);
      throw Object.assign(new Error(`${fault}: at call ${at}`), { code: fault, syscall: "write" });
    };
  const patched = fs as unknown as Record<string, Call>;
  for (const name of calls) patched[name] = guard(fs, patched[name] as Call);
  patched["open"] = async (...args) => {
    if (fault === "killed" && count >= at) throw new Error(`${fault}: at call ${at}`);
    const file = (await (real["open"] as Call)(...args)) as FileHandle;
    for (const name of handleCalls) {
      Object.defineProperty(file, name, { value: guard(file, Reflect.get(file, name) as Call) });
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

/**
 * Writes half of the content if the call writes content. Any other call may or may not take effect;
 * here it does not.
 */
async function writeHalf(call: Call, owner: object, args: readonly unknown[]): Promise<void> {
  const at = args.findIndex((arg, i) => {
    const isPath = i === 0 && args.length > 1;
    return !isPath && (typeof arg === "string" || arg instanceof Uint8Array);
  });
  const content = args[at] as string | Uint8Array | undefined;
  if (!/writeFile|appendFile/.test(call.name) || content === undefined) return;
  const part = content.slice(0, content.length / 2);
  await call.apply(owner, args.with(at, part));
}

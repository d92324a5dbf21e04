import { UserError } from "@fedclair/core/errors";

/** What people can mend, by the system's code, and how. */
const advice: Readonly<Record<string, string>> = {
  EACCES: "access is denied: change its permissions, or choose another path",
  EDQUOT: "the quota of the disk is used up: make room, or choose another disk",
  EEXIST: "something else stands there already: choose another path",
  EFBIG: "the file has grown too long for its disk: choose another disk",
  EIO: "the disk failed: choose another one",
  EISDIR: "it is a folder where a file is expected: choose another path",
  ELOOP: "its links lead in a circle: choose another path",
  EMFILE: "too many files are open: raise the limit (ulimit -n)",
  ENAMETOOLONG: "the name is too long: choose a shorter one",
  ENOENT: "there is no such file or folder: mend the path",
  ENOSPC: "the disk is full: make room, or choose another disk",
  ENOTDIR: "a file stands where a folder is expected: choose another path",
  EPERM: "it is not permitted: change its permissions, or choose another path",
  EROFS: "the disk is read-only: choose another one",
};

/** Of errors that Node.js has no name for, by their number on Linux. */
const unnamed: Readonly<Record<number, string>> = { [-122]: "EDQUOT" };

/** The code of an error of the system, as `ENOENT`; undefined of any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return;
  const { code, errno } = error as NodeJS.ErrnoException;
  return unnamed[errno ?? 0] ?? code;
}

/**
 * An error of the system that is the user's to mend, as a missing file or a full disk, in words: with the path, where
 * the system names one. Undefined of any other error.
 */
export function systemFault(error: unknown): UserError | undefined {
  const code = systemErrorCode(error);
  const what = advice[code ?? ""];
  if (code === undefined || what === undefined) return undefined;
  const { syscall = "", path } = error as NodeJS.ErrnoException;
  return new UserError(`${path === undefined ? "" : `'${path}': `}${what} (${syscall}: ${code})`);
}

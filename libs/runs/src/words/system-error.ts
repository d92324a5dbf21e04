import { UserError } from "@fedclair/core/errors";

/** Advice on errors that people can fix, by the system's code. */
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
  ENOENT: "there is no such file or folder: correct the path",
  ENOSPC: "the disk is full: make room, or choose another disk",
  ENOTDIR: "a file stands where a folder is expected: choose another path",
  EPERM: "it is not permitted: change its permissions, or choose another path",
  EROFS: "the disk is read-only: choose another one",
};

/** Codes of errors that Node.js has no name for, by their number on Linux. */
const codesByNumber: Readonly<Record<number, string>> = { [-122]: "EDQUOT" };

/** Returns the code of a system error, such as `ENOENT`. Returns undefined for any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return;
  const { code, errno } = error as NodeJS.ErrnoException;
  return codesByNumber[errno ?? 0] ?? code;
}

/**
 * Explains a system error that the user can fix, such as a missing file or a full disk. The message
 * contains the path if the system reports one. Returns undefined for any other error.
 */
export function explainSystemError(error: unknown): UserError | undefined {
  const code = systemErrorCode(error);
  const what = advice[code ?? ""];
  if (code === undefined || what === undefined) return undefined;
  const { syscall = "", path } = error as NodeJS.ErrnoException;
  return new UserError(`${path === undefined ? "" : `'${path}': `}${what} (${syscall}: ${code})`);
}

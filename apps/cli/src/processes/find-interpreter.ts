import { join, resolve } from "node:path";

/** The given Python, or that of the active virtual environment, or else that of the system. */
export function findInterpreter(python: string | undefined): string {
  // The hosts run in the folder of their module, so a path must not be relative.
  if (python !== undefined) return /[\\/]/.test(python) ? resolve(python) : python;
  const environment = process.env["VIRTUAL_ENV"];
  if (environment === undefined || environment === "") return "python3";
  return process.platform === "win32"
    ? join(environment, "Scripts", "python.exe")
    : join(environment, "bin", "python");
}

import { appendFileSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import {
  dataPathKeys,
  listTextsAt,
  readPythonClients,
  type PreparedTrial,
  type PythonClients,
} from "@fedclair/core/internal";
import { hashClients } from "../trial/python-code.js";
import { systemErrorCode } from "../words/system-error.js";
import { writeWhole } from "./atomic-files.js";
import { readText } from "./regular-file.js";

/** Code that fedclair does not ship and that a trial names, or its data. */
export interface OutsideCode {
  /** The file of a module of plug-ins, the folder and the names of Python modules, or data. */
  readonly path: string;
  /** A hash of the code; empty if Python modules are not in their folder; `data` for data. */
  readonly hash: string;
}

/** Longest list of known code. After that, the older half is forgotten. */
const maxBytes = 2 ** 20;

/** Lists the code from outside that runs with a trial, and the data that it reads. */
export function listOutsideCode({
  trial,
  outside,
  taskPlugin,
}: Pick<PreparedTrial, "trial" | "outside" | "taskPlugin">): OutsideCode[] {
  const modules = new Map(
    outside.flatMap(({ module, hash }) => (module === undefined ? [] : [[module, hash] as const])),
  );
  const python = readPythonClients(trial);
  return [
    ...[...modules].map(([path, hash]) => ({ path, hash })),
    ...(python ? [identifyPythonCode(python)] : []),
    ...identifyData(listDataPaths({ trial, taskPlugin })),
  ];
}

/**
 * Identifies files and folders of data. What they contain may change.
 * @param trial the file of the trial that names them; what is in its folder is left out, unless it
 * is a link out of that folder
 */
export function identifyData(paths: readonly string[], trial?: string): OutsideCode[] {
  const own = trial === undefined ? undefined : findRealPath(dirname(trial)) + sep;
  const isOwn = (path: string) => own !== undefined && path.startsWith(own);
  return paths
    .map(findRealPath)
    .flatMap((path) => (isOwn(path) ? listLinked(path) : [path]))
    .filter((path) => !isOwn(path))
    .map((path) => ({ path, hash: "data" }));
}

/** Lists the targets of all links in a folder, at any depth; none for a file. */
function listLinked(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .map(({ parentPath, name }) => findRealPath(join(parentPath, name)));
  } catch {
    return [];
  }
}

/** Lists the paths of the data that a trial reads. */
export function listDataPaths({
  trial,
  taskPlugin,
}: Pick<PreparedTrial, "trial" | "taskPlugin">): string[] {
  return dataPathKeys(taskPlugin).flatMap((keys) => listTextsAt(trial, keys));
}

/** Identifies the code of Python clients, as it is on this machine now. */
export function identifyPythonCode(clients: PythonClients): OutsideCode {
  const { folder = ".", modules } = clients;
  const path = `${findRealPath(folder)}: ${modules.join(", ")}`;
  return { path, hash: hashClients(clients) ?? "" };
}

/**
 * Selects the code that this user has not run from its place before, or that has changed since.
 * The list of known code is a file of the user, so no run folder can add to it.
 */
export function selectUnknownCode<T extends OutsideCode>(
  codes: readonly T[],
  file = findKnownCodeFile(),
): T[] {
  if (codes.length === 0) return [];
  const known = new Set(readLines(file));
  return codes.filter((code) => !known.has(formatLine(code)));
}

/** Adds code to the list of known code. Without a folder for the list, nothing is remembered. */
export async function rememberCode(
  codes: readonly OutsideCode[],
  file = findKnownCodeFile(),
): Promise<void> {
  const lines = selectUnknownCode(codes, file).map(formatLine);
  if (lines.length === 0) return;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const before = readLines(file);
    const text = [...before, ...lines].map((line) => `${line}\n`).join("");
    if (text.length > maxBytes) {
      const kept = [...before.slice(before.length / 2), ...lines];
      await writeWhole(
        file,
        kept.map((line) => `${line}\n`).join(""),
        `${file}.${process.pid}.part`,
      );
    } else {
      // Processes that append at the same time do not lose each other's lines.
      appendFileSync(file, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

/** Returns `fedclair/known-code` in `$XDG_STATE_HOME`, or else in `~/.local/state`. */
function findKnownCodeFile({ XDG_STATE_HOME: state } = process.env): string {
  const folder = state === undefined || state === "" ? join(homedir(), ".local", "state") : state;
  return join(folder, "fedclair", "known-code");
}

function readLines(file: string): string[] {
  try {
    return readText(file, 2 * maxBytes)
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}

/** A path may contain line breaks, so it is written as JSON. */
function formatLine({ path, hash }: OutsideCode): string {
  return `${hash === "" ? "-" : hash} ${JSON.stringify(path)}`;
}

function findRealPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

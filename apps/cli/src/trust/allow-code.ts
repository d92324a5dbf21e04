import { join } from "node:path";
import { UserError, type Plugins } from "@fedclair/core";
import {
  locatePython,
  oneLine,
  pluginMismatch,
  readNamedPlugins,
  readNamedPython,
  readPythonClients,
  type Trial,
  type TrialSource,
} from "@fedclair/core/internal";
import { loadNamedPlugins, namedModules, readCode, resolveModules } from "@fedclair/plugins";
import {
  addPythonCode,
  identifyPythonCode,
  isSweep,
  readTrialFile,
  rememberCode,
  selectUnknownCode,
  type OutsideCode,
} from "@fedclair/runs";
import { askForYes } from "./ask.js";

/** Which code of a folder may run although this user has not run it before. */
export interface TrustOptions {
  /** Modules of plug-ins, as `--plugin` names them. */
  readonly plugins: readonly string[];
  /** True to allow all code. */
  readonly trust: boolean;
}

/** Code that a trial names, with words for messages. */
interface NamedCode extends OutsideCode {
  readonly text: string;
  /** The file of a module of plug-ins, which `--plugin` can name. */
  readonly module?: string;
}

/**
 * Creates a function that loads the plug-ins of a trial or a sweep, if their code may run.
 * @throws UserError as `allowPlugins`, in the function
 */
export function loadAllowedPlugins(
  options: TrustOptions,
): (source: TrialSource) => Promise<Plugins> {
  return async (source) => {
    await allowPlugins(source, options);
    return await loadNamedPlugins(source);
  };
}

/**
 * Checks that the code of a run folder may run, without running it.
 * @throws UserError if it may not, or has changed since the run
 */
export async function allowRun(folder: string, options: TrustOptions): Promise<void> {
  const source = readTrialFile(join(folder, "trial.yaml"));
  const { file, yaml } = source;
  await allowPlugins(source, options);
  const named = readNamedPython(yaml);
  if (named === undefined || isSweep(source)) {
    throw new UserError(`'${file}' is not the trial of a run: expected one that fedclair wrote`);
  }
  await allowPython([locatePython(named, source) as Trial], file, options);
}

/**
 * Checks that the modules of plug-ins that a trial or a sweep names may run: those that the user
 * has run before, unchanged, or allows now.
 * @throws UserError that names the modules, and how to allow them
 */
export async function allowPlugins(source: TrialSource, options: TrustOptions): Promise<void> {
  const codes = await readPluginCode(source);
  await allow(codes, source.file, options);
}

/** Checks that the Python code of resolved trials may run, as `allowPlugins` does. */
export async function allowPython(
  trials: readonly Trial[],
  file: string,
  options: TrustOptions,
): Promise<void> {
  const codes = trials.flatMap((trial): NamedCode[] => {
    const clients = readPythonClients(addPythonCode(trial, file));
    if (!clients) return [];
    const code = identifyPythonCode(clients);
    return [{ ...code, text: `Python in ${oneLine(code.path)}` }];
  });
  await allow(codes, file, options);
}

/**
 * Reads the code of the modules that a trial or a sweep names, without running it.
 * @throws UserError if a module cannot be found, or is not the one that the run began with
 */
export async function readPluginCode(source: TrialSource): Promise<NamedCode[]> {
  const modules = new Map(namedModules(source).map((module) => [module.file, module]));
  const codes = await Promise.all(
    [...modules.values()].map(async ({ file, place }) => ({
      file,
      place,
      ...(await readCode(file)),
    })),
  );
  const { identities } = readNamedPlugins(source.yaml);
  const held = identities.flatMap(({ kind, name, module }) => {
    const own = codes.find(({ file }) => file === module);
    return own ? [{ kind, name, version: own.version, hash: own.hash }] : [];
  });
  const located = identities.filter(({ module }) => codes.some(({ file }) => file === module));
  const mismatch = pluginMismatch(located, held, "this process");
  if (mismatch !== undefined) {
    const advice = "name the module to run it with there, as ./my-task.js";
    throw new UserError(`${source.file}: plugins: ${mismatch}; ${advice}`);
  }
  return codes.map(({ file, hash, place }) => ({
    path: file,
    hash,
    text: oneLine(place.includes(file) ? place : `${place} (${file})`),
    module: file,
  }));
}

/** The last check: trials that are read at once ask one at a time, and not after a no. */
let checking: Promise<void> = Promise.resolve();

function allow(...named: Parameters<typeof check>): Promise<void> {
  checking = checking.then(() => check(...named));
  return checking;
}

async function check(
  codes: readonly NamedCode[],
  file: string,
  { plugins, trust }: TrustOptions,
): Promise<void> {
  const allowed = new Set(resolveModules(plugins).map((module) => module.file));
  const unknown = selectUnknownCode(codes).filter(({ path }) => !allowed.has(path));
  if (unknown.length > 0 && !trust) await askAbout(unknown, file);
  await rememberCode(codes);
}

/** @throws UserError if the user says no, or cannot be asked */
async function askAbout(codes: readonly NamedCode[], file: string): Promise<void> {
  const list = [...new Set(codes.map(({ text }) => `\n  ${text}`))].join("");
  const what = `'${oneLine(file)}' would run code that you have not run before, or that has changed since:${list}\n`;
  const answer = await askForYes(`${what}It can do everything that you can. Run it?`);
  if (answer === true) return;
  if (answer === false) throw new UserError(`the code that '${oneLine(file)}' names was not run`);
  const modules = codes.flatMap(({ module }) => (module === undefined ? [] : [module]));
  const each = modules.map((module) => `--plugin ${oneLine(module)}`).join(" ");
  const ways = each === "" ? "--trust" : `${each}, or all that the trial names by --trust`;
  throw new UserError(`${what}read it, and then allow it by ${ways}`);
}

import { join } from "node:path";
import { UserError, type Plugins } from "@fedclair/core";
import {
  dataPathKeys,
  listTextsAt,
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
  identifyData,
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
  /** Ask at the terminal about code that is not allowed? Default: yes. */
  readonly asks?: boolean;
}

/** Code or data that a trial names, with words for messages. */
interface NamedCode extends OutsideCode {
  readonly text: string;
  /** The file of a module of plug-ins, which `--plugin` can name. */
  readonly module?: string;
}

/**
 * Creates a function that loads the plug-ins of a trial or a sweep, if their code may run and its
 * data may be read.
 * @throws UserError as `allowPlugins` and `allowData`, in the function
 */
export function loadAllowedPlugins(
  options: TrustOptions,
): (source: TrialSource) => Promise<Plugins> {
  return async (source) => {
    await allowPlugins(source, options);
    const plugins = await loadNamedPlugins(source);
    await allowData(source, plugins, options);
    return plugins;
  };
}

/**
 * Checks that the code of a run folder may run and its data may be read.
 * @throws UserError if it may not, or has changed since the run
 */
export async function allowRun(folder: string, options: TrustOptions): Promise<void> {
  const source = readTrialFile(join(folder, "trial.yaml"));
  const { file, yaml } = source;
  await loadAllowedPlugins(options)(source);
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

/**
 * Checks that the data that a trial or a sweep names may be read: files in its own folder, and
 * those that a run of the user has read before or that the user allows now.
 * @throws UserError that names the files
 */
async function allowData(
  { file, yaml, resolvePath = String }: TrialSource,
  { tasks }: Plugins,
  options: TrustOptions,
): Promise<void> {
  const paths = [...tasks.values()]
    .flatMap(dataPathKeys)
    .filter((keys) => !yaml.isOverridden(keys))
    .flatMap((keys) => listTextsAt(yaml.content, keys))
    .map((path) => resolvePath(path, "file"));
  const data = identifyData(paths, file);
  const named = data.map((one) => ({ ...one, text: oneLine(one.path) }));
  await allow(named, file, options);
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
  { plugins, trust, asks = true }: TrustOptions,
): Promise<void> {
  const allowed = new Set(resolveModules(plugins).map((module) => module.file));
  const unknown = selectUnknownCode(codes).filter(({ path }) => !allowed.has(path));
  if (unknown.length > 0 && !trust) await askAbout(unknown, file, asks);
  await rememberCode(codes);
}

/** @throws UserError if the user says no, or cannot be asked */
async function askAbout(codes: readonly NamedCode[], file: string, asks: boolean): Promise<void> {
  const list = [...new Set(codes.map(({ text }) => `\n  ${text}`))].join("");
  const isData = codes.every(({ hash }) => hash === "data");
  const does = isData
    ? "read files outside its folder that no run of yours has read before"
    : "run code that you have not run before, or that has changed since";
  const what = `'${oneLine(file)}' would ${does}:${list}\n`;
  const question = isData ? "Read them?" : "It can do everything that you can. Run it?";
  const answer = asks ? await askForYes(`${what}${question}`) : undefined;
  if (answer === true) return;
  if (answer === false)
    throw new UserError(
      `the ${isData ? "data" : "code"} that '${oneLine(file)}' names was not ${isData ? "read" : "run"}`,
    );
  if (isData) throw new UserError(`${what}allow it by --trust, or keep a copy beside the trial`);
  const modules = codes.flatMap(({ module }) => (module === undefined ? [] : [module]));
  const each = modules.map((module) => `--plugin ${oneLine(module)}`).join(" ");
  const ways = each === "" ? "--trust" : `${each}, or all that the trial names by --trust`;
  throw new UserError(`${what}read it, and then allow it by ${ways}`);
}

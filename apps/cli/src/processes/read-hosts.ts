import { availableParallelism } from "node:os";
import { UserError } from "@fedclair/core";
import {
  clientCount,
  locatePython,
  readNamedPython,
  readPythonClients,
  type PythonClients,
} from "@fedclair/core/internal";
import { namedModules } from "@fedclair/plugins";
import { readTrialFile } from "@fedclair/runs/trial-file";
import { findInterpreter } from "./find-interpreter.js";
import type { Hosts } from "./host-processes.js";

/** How Python hosts run. */
export interface PythonOptions {
  /** The Python interpreter; default: that of the active virtual environment, or else python3. */
  readonly python?: string | undefined;
  /** The device that Python clients compute on. Default: where their model is. */
  readonly device?: string | undefined;
}

/** Which hosts to start, and how. */
interface HostArguments extends PythonOptions {
  readonly set: readonly string[];
  /** Number of hosts; default: one per core. */
  readonly hosts?: number | undefined;
  /** `parent`: the parent process runs the external clients. */
  readonly external?: "parent" | undefined;
  readonly backend: string;
}

/**
 * Reads from a trial file which hosts it needs, without loading plug-ins: one host per core by
 * default, and never a host without clients.
 * @returns undefined for a trial with faults, which the coordinator reports
 */
export function readHosts(
  file: string,
  { set, hosts = availableParallelism(), external: whose, backend, ...options }: HostArguments,
): Hosts | undefined {
  try {
    const source = readTrialFile(file, set);
    const clients = clientCount(source.yaml);
    const named = readNamedPython(source.yaml);
    if (clients === undefined || named === undefined) return undefined;
    const started = whose === "parent" ? undefined : readPythonClients(locatePython(named, source));
    const external = started || whose === "parent" ? (named.external?.length ?? clients) : 0;
    const simulated = clients - external;
    const plugins = new Set(namedModules(source).map((module) => module.file));
    return {
      ...(simulated > 0 && {
        simulated: {
          clients: simulated,
          count: Math.min(hosts, simulated),
          plugins: [...plugins],
          backend,
        },
      }),
      ...(started && {
        python: {
          ...withOptions(started, options),
          clients: external,
          count: Math.min(hosts, external),
        },
      }),
    };
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Adds the interpreter and the device to what a trial says of its Python clients. */
export function withOptions(
  clients: PythonClients,
  { python, device }: PythonOptions,
): PythonClients & { readonly interpreter: string } {
  const args = [...clients.args, ...(device === undefined ? [] : ["--device", device])];
  return { ...clients, args, interpreter: findInterpreter(python) };
}

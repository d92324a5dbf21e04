import { z } from "zod";

const objectName = z
  .string()
  .regex(/^[\w.]+:[\w.]+$/, "expected module:name, like my_model:make_client");
const folder = z
  .string()
  .min(1)
  .optional()
  .describe("The folder with the module. Default: that of this file.");
const code = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .optional()
  .describe(
    "A hash of the module's code and of what it imports from the folder, in a resolved trial.",
  );

/** The key `python` of a trial. */
export const pythonSchema = z
  .union([
    objectName,
    z.strictObject({
      clients: objectName.describe("A function that creates a client from its index."),
      folder,
      code,
    }),
  ])
  .optional()
  .describe(
    "The external clients as module:function, like my_model:make_client, in Python beside this file. `fedclair run` then starts their hosts.",
  );

/** A ConfigRecord of a message to the ClientApp. */
const config = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional();

/** The key `flower` of a trial. */
export const flowerSchema = z
  .union([
    objectName,
    z.strictObject({
      app: objectName.describe("The ClientApp."),
      initial: objectName.optional().describe("A function that returns the first params."),
      trainConfig: config.describe(
        "What train reads of the message's record `config`, like { lr: 0.01 }; in Flower, the ServerApp's train_config.",
      ),
      evaluateConfig: config.describe("The same for evaluate."),
      folder,
      code,
    }),
  ])
  .optional()
  .describe(
    "The external clients as a Flower ClientApp, like flower_app:app, beside this file. `fedclair run` then starts their hosts.",
  );

/** The keys of a trial that name Python code. */
interface NamedPython {
  readonly python?: z.output<typeof pythonSchema>;
  readonly flower?: z.output<typeof flowerSchema>;
}

/** How to start hosts for the external clients of a trial. */
export interface PythonClients {
  /** The folder with the module; undefined for the working directory. */
  readonly folder: string | undefined;
  /** Arguments of fedclair-host. */
  readonly args: readonly string[];
  /** The modules that the hosts import, like `package.module`. */
  readonly modules: readonly string[];
  /** A hash of their code, if a resolved trial has it. */
  readonly code: string | undefined;
}

/**
 * Reads the keys that name Python code from a trial that is not checked yet, with the ids of its
 * external clients if it lists them; undefined if they have faults.
 */
export function readNamedPython({
  content,
}: {
  readonly content: unknown;
}): (NamedPython & { readonly external?: readonly string[] | undefined }) | undefined {
  const schema = z.looseObject({
    python: pythonSchema,
    flower: flowerSchema,
    external: z.array(z.string()).optional(),
  });
  return schema.safeParse(content).data;
}

/** Reads how to start Python hosts; undefined if the trial does not say. */
export function readPythonClients({ python, flower }: NamedPython): PythonClients | undefined {
  if (python !== undefined) {
    const { clients, folder: own, code: hash } = toClients(python);
    return { folder: own, args: [clients], modules: [moduleOf(clients)], code: hash };
  }
  if (flower === undefined) return undefined;
  const { app, initial, folder: own, code: hash } = toApp(flower);
  return {
    folder: own,
    args: [app, "--flower", ...(initial === undefined ? [] : ["--initial", initial])],
    modules: [app, ...(initial === undefined ? [] : [initial])].map(moduleOf),
    code: hash,
  };
}

const moduleOf = (name: string) => name.slice(0, name.indexOf(":"));

/** The parts of a `TrialSource` that make paths absolute. */
interface PathSource {
  readonly yaml: { isOverridden(path: readonly string[]): boolean };
  readonly resolvePath?: (path: string, by: "file" | "override") => string;
}

/** Writes the absolute folder of the modules into a trial; unchanged if paths stay as they are. */
export function locatePython<T extends NamedPython>(
  trial: T,
  { yaml, resolvePath }: PathSource,
): T {
  const { python, flower } = trial;
  if (!resolvePath) return trial;
  const folderOf = ({ folder: own = "." }: { readonly folder?: string | undefined }, key: string) =>
    resolvePath(own, yaml.isOverridden([key]) ? "override" : "file");
  return {
    ...trial,
    ...(python !== undefined && {
      python: { ...toClients(python), folder: folderOf(toClients(python), "python") },
    }),
    ...(flower !== undefined && {
      flower: { ...toApp(flower), folder: folderOf(toApp(flower), "flower") },
    }),
  };
}

/** Writes the hash of its Python code into a resolved trial. */
export function withPythonCode<T extends NamedPython>(trial: T, hash: string): T {
  const { python, flower } = trial;
  return {
    ...trial,
    ...(python !== undefined && { python: { ...toClients(python), code: hash } }),
    ...(flower !== undefined && { flower: { ...toApp(flower), code: hash } }),
  };
}

/** The names and the code without the folder, which is another one on each machine. */
export function identifyPython({ python, flower }: NamedPython): NamedPython {
  const own = python === undefined ? undefined : toClients(python);
  return {
    ...(own && { python: own.code === undefined ? own.clients : { ...own, folder: undefined } }),
    ...(flower !== undefined && { flower: { ...toApp(flower), folder: undefined } }),
  };
}

type Clients = Exclude<NamedPython["python"], string | undefined>;
type App = Exclude<NamedPython["flower"], string | undefined>;

function toClients(python: Clients | string): Clients {
  return typeof python === "string" ? { clients: python } : python;
}

function toApp(flower: App | string): App {
  return typeof flower === "string" ? { app: flower } : flower;
}

import { readFile } from "node:fs/promises";
import { UserError } from "@fedclair/core";
import { clientIds, Devices, Trace, type Trial } from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import { systemErrorCode } from "./process/system-error.js";

/** The simulated time of a trial, if it has one. @throws UserError if its trace cannot be read */
export async function devicesOf({
  devices,
  clients,
  seed,
}: Pick<Trial, "devices" | "clients" | "seed">): Promise<Devices | undefined> {
  if (!devices) return undefined;
  const { trace: file } = devices;
  const trace = file === undefined ? undefined : Trace.parse(await textOf(file), file);
  return new Devices(devices, clientIds(clients), stream(seed), trace);
}

async function textOf(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(
      `devices.trace: cannot read '${file}': ${systemErrorCode(error) ?? String(error)}`,
    );
  });
}

import { UserError } from "@fedclair/core";

/**
 * Fetches data that the coordinator serves beside the page of a browser tab (`tab-data.ts`).
 * @throws UserError if it does not serve them
 */
export async function fetchTabData(name: string): Promise<Uint8Array> {
  const response = await fetch(`data/${name}`);
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  throw new UserError(
    `the coordinator does not serve the data '${name}' (HTTP ${response.status}): ${await response.text()}`,
  );
}

/** Creates the error for data that the trial names by a path. */
export function unreachable(path: string): UserError {
  return new UserError(
    `source: '${path}' is a path, and a browser tab cannot read files by their path: let hosts of another kind join (fedclair client)`,
  );
}

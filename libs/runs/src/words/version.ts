import { readFileSync } from "node:fs";

const { version: own } = JSON.parse(
  readFileSync(new URL(import.meta.resolve("#manifest")), "utf8"),
) as { version: string };

/** The release of fedclair. */
export const version: string = own;

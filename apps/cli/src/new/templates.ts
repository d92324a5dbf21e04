import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder with the templates of `fedclair new`, one subfolder each. */
export const templateFolder = fileURLToPath(import.meta.resolve("#templates"));

export const templates: readonly string[] = readdirSync(templateFolder).sort();

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The templates of `fedclair new`, a folder each: adding one is adding a folder. */
export const templateFolder = fileURLToPath(new URL("../../templates/", import.meta.url));

export const templates: readonly string[] = readdirSync(templateFolder).sort();

// npm run lab -- audit-schema: writes docs/audit.schema.json, the JSON Schema of the output of
// `fedclair audit --json`.
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { auditSchema } from "@fedclair/audit";
import { formatAs } from "./format.js";

const file = "docs/audit.schema.json";
const text = JSON.stringify(z.toJSONSchema(auditSchema));
await writeFile(file, await formatAs(file, text));

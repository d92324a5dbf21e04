import { z } from "zod";
import { errorMessage } from "./errors.js";

/** Explains an error that a plug-in's schema threw instead of reporting faults. */
export function formatSchemaFault(error: unknown): string {
  return error instanceof z.core.$ZodAsyncError
    ? "its schema must be synchronous: a refinement or a transform of it returns a promise"
    : `its schema throws ${errorMessage(error)}: a refinement should return false, or add an issue`;
}

import type { CaseFormat } from "@fedclair/core/cases";

/** The reference cases of the tasks' methods. */
export const taskFormats: readonly CaseFormat[] = [];

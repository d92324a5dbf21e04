import { UserError } from "@fedclair/core";
import type { AdapterFolder } from "./find-adapters.js";
import { openAdapter, type Adapter } from "./peft.js";
import { formFaults } from "./unfit.js";

/** Opens adapters that are to be set side by side. @returns those that can be by their form; and of the others, by name, why not */
export async function openAdapters(folders: readonly AdapterFolder[]) {
  const opened = new Map<string, Adapter>();
  const faults = new Map<string, string>();
  for (const { name, folder } of folders) {
    try {
      opened.set(name, await openAdapter(folder));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      faults.set(name, error.message);
    }
  }
  for (const [name, fault] of formFaults(opened)) {
    faults.set(name, fault);
    opened.delete(name);
  }
  return { opened, faults };
}

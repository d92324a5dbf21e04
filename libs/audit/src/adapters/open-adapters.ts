import { UserError } from "@fedclair/core";
import type { AdapterFolder } from "./find-adapters.js";
import { openAdapter, type Adapter } from "./peft.js";
import { findFormFaults } from "./adapter-faults.js";

/**
 * Opens adapters that are to be compared.
 * @returns `opened`: the adapters with the usual modules and shapes; `faults`: the reasons why
 * others cannot be compared, by name; `otherForms`: groups of others that have the same form
 */
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
  const { faults: formFaults, otherForms } = findFormFaults(opened);
  for (const [name, fault] of formFaults) {
    faults.set(name, fault);
    opened.delete(name);
  }
  return { opened, faults, otherForms };
}

import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { countNoun, outcomeText, print, removeRun, findRun, type StoredRun } from "@fedclair/runs";
import { openRun } from "./open-run.js";

/** `fedclair show`: how a run stands, and what it showed as far as it came. */
export async function show(
  folder: string,
  { plugins, json }: { readonly plugins: readonly string[]; readonly json: boolean },
): Promise<void> {
  const held = await heldIn(folder);
  const run = await openRun(folder, plugins);
  const { summary } = run;
  if (json) {
    print(JSON.stringify({ ...standing(held), summary }) + "\n");
    return;
  }
  print(`${oneLine(folder)}: ${standingText(held)}\n\n${outcomeText(run)}`);
}

/** `fedclair rm`: removes runs, and leaves what else lies in their folders. */
export async function remove(folders: readonly string[]): Promise<void> {
  const held = await Promise.all(folders.map(heldIn));
  for (const run of held) {
    const left = await removeRun(run);
    const rest = left.length === 0 ? "" : `, but for ${left.map(oneLine).join(", ")}`;
    print(`removed ${oneLine(run.folder)}${rest}\n`);
  }
}

/** @throws UserError if there is none */
export async function heldIn(folder: string): Promise<StoredRun> {
  const held = await findRun(folder);
  if (!held)
    throw new UserError(`'${folder}' holds no run: fedclair list shows those that there are`);
  return held;
}

/** What there is to say of a run beside its numbers. */
export function standing({ folder, status, info, trial, rounds, failure }: StoredRun): object {
  const { started, version, backend, backendReason } = info;
  const { name, seed } = trial;
  return {
    ...{ folder, status, name, seed, started, backend, version },
    ...(backendReason !== undefined && { backendReason }),
    ...(status !== "done" && { rounds }),
    ...(failure && { failure: failure.message }),
  };
}

function standingText({ status, info, rounds, holder, failure }: StoredRun): string {
  const parts = [
    failure ? `failed (${failure.message})` : status,
    `began ${info.started}`,
    ...(status === "done" ? [] : [`${countNoun(rounds, "round")} to go on from`]),
    ...(holder ? [`process ${holder.pid} on ${oneLine(holder.host)}`] : []),
  ];
  return parts.join(", ");
}

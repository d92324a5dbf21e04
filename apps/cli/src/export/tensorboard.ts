import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createEventFile, type EventFile } from "./event-file.js";
import { eachRound, computeScalars } from "../results/rounds.js";

/**
 * Writes one folder per arm with an event file. TensorBoard shows each folder as a run. Records
 * have no time of day, so the time of an event is the start of the run plus the seconds of
 * computation.
 * @param folder the run folder
 * @param began start of the run in seconds since 1970
 * @param out an empty folder
 * @returns the folders of the arms
 */
export async function writeTensorBoard(
  folder: string,
  began: number,
  out: string,
): Promise<string[]> {
  const files = new Map<string, EventFile>();
  const folders: string[] = [];
  try {
    for await (const round of eachRound(folder)) {
      const { arm, round: step } = round.record;
      let file = files.get(arm);
      if (!file) {
        const own = join(out, chooseFolderName(arm, files.size));
        await mkdir(own);
        const name = `events.out.tfevents.${Math.floor(began)}.fedclair`;
        file = await createEventFile(join(own, name), began);
        files.set(arm, file);
        folders.push(own);
      }
      await file.write({ wallTime: began + round.elapsed, step, scalars: computeScalars(round) });
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
  return folders;
}

/**
 * Creates a folder name from a label. If characters are replaced, the arm's position makes the name
 * unique.
 */
function chooseFolderName(label: string, place: number): string {
  const name = label.replaceAll(/[^A-Za-z0-9._-]/g, "_").slice(0, 100);
  return name === label && /^(?!arm-)[A-Za-z0-9]/.test(name) ? name : `arm-${place + 1}-${name}`;
}

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { EventFile } from "./event-file.js";
import { eachRound, scalarsOf } from "./rounds.js";

/**
 * Writes a folder an arm with a file of events: TensorBoard shows each as a run. Records tell no time of day: that of an event is
 * when the run began and the seconds that it had computed by then.
 * @param folder the run's @param began in seconds since 1970 @param out an empty folder
 * @returns the folders
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
        const own = join(out, folderName(arm, files.size));
        await mkdir(own);
        file = await EventFile.create(
          join(own, `events.out.tfevents.${Math.floor(began)}.fedclair`),
          began,
        );
        files.set(arm, file);
        folders.push(own);
      }
      await file.write({ wallTime: began + round.elapsed, step, scalars: scalarsOf(round) });
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
  return folders;
}

/** An arm's label is any text; with its place, where it had to be changed, so that no two folders are the same. */
function folderName(label: string, place: number): string {
  const name = label.replaceAll(/[^A-Za-z0-9._-]/g, "_").slice(0, 100);
  return name === label && /^(?!arm-)[A-Za-z0-9]/.test(name) ? name : `arm-${place + 1}-${name}`;
}

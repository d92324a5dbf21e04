// A process of `fedclair sweep --jobs`: runs the trials whose ids it is sent, one at a time. Arguments: the sweep's file, the
// folder of its runs, and overrides.
import { readFile } from "node:fs/promises";
import { loadBackend } from "@fedclair/compute";
import { pluginsFor } from "@fedclair/plugins";
import { interruption, listenForInterruption, parseSweep, runSweepTrial } from "@fedclair/runs";
import type { WorkerReply } from "./sweep-workers.js";

listenForInterruption();
const [file = "", out = "", ...overrides] = process.argv.slice(2);
const plugins = await pluginsFor(file, overrides);
const { trials } = parseSweep(await readFile(file, "utf8"), file, plugins, overrides);
const { name: backend } = await loadBackend("auto");
const byId = new Map(trials.map((trial) => [trial.id, trial]));

process.on("message", (id: string) => {
  void work(id);
});
process.channel?.ref(); // it is this worker's work to listen

async function work(id: string): Promise<void> {
  const trial = byId.get(id);
  if (!trial) throw new Error(`the sweep file has no trial ${id} any more`);
  const done = await runSweepTrial(trial, plugins, out, interruption.signal, backend);
  const reply: WorkerReply =
    done === "busy"
      ? done
      : {
          outcome: done.outcome,
          skipped: done.skipped,
          faults: done.faults.map(({ message, exitCode }) => ({ message, exitCode })),
        };
  process.send?.(reply, () => undefined);
}

import assert from "node:assert/strict";
import promises, { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dense, encodeSafetensors, UserError } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { aggregateRound, type RoundOptions } from "./aggregate-round.js";

/** The calls with which a step changes the disk. */
const changing = ["cp", "mkdir", "open", "rename", "rm", "writeFile"] as const;

/**
 * Simulates that the process is killed at its n-th change of the disk. A file is then half written.
 * @returns false if the step has fewer changes
 */
async function killAtWrite(n: number, step: () => Promise<unknown>): Promise<boolean> {
  const killed = new Error("killed");
  const real = Object.fromEntries(changing.map((name) => [name, promises[name]]));
  let calls = 0;
  for (const name of changing) {
    const call = real[name] as (...args: unknown[]) => Promise<unknown>;
    const wrapped = async (...args: unknown[]) => {
      calls++;
      if (calls < n) return await call(...args);
      if (calls === n && name === "writeFile") {
        await call(args[0], Buffer.from(args[1] as string).subarray(0, 20));
      }
      throw killed; // and all later calls do nothing
    };
    Object.assign(promises, { [name]: wrapped });
  }
  syncBuiltinESMExports();
  try {
    await step();
    return false;
  } catch (error) {
    if (error === killed) return true;
    throw error;
  } finally {
    Object.assign(promises, real);
    syncBuiltinESMExports();
  }
}

/** Replaces this process's lock with that of a process that has ended. */
async function buryLock(state: string): Promise<void> {
  const path = join(state, "lock");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return;
  const gone = { ...(JSON.parse(text) as object), birth: "of a process that is gone" };
  await writeFile(path, JSON.stringify(gone));
}

/** Reads all files in the folders, by path. */
async function readFiles(...folders: string[]): Promise<Record<string, string>> {
  const files: [string, string][] = [];
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile() && !one.name.startsWith("lock"))) {
      const path = join(entry.parentPath, entry.name);
      files.push([path, await readFile(path, "base64")]);
    }
  }
  return Object.fromEntries(files.sort());
}

async function saveRound(folder: string, round: number): Promise<void> {
  for (let k = 0; k < 4; k++) {
    const rng = stream("round").at(round, k);
    const tensor = (side: string, shape: number[]): [string, Dense] => [
      `base_model.model.a.lora_${side}.weight`,
      { shape, data: Float32Array.from(rng.at(side).normals(6)) },
    ];
    const bytes = encodeSafetensors(new Map([tensor("A", [1, 6]), tensor("B", [6, 1])]));
    const client = join(folder, `client-${k}`);
    await mkdir(client, { recursive: true });
    await writeFile(join(client, "adapter_model.safetensors"), bytes);
    const config = { peft_type: "LORA", base_model_name_or_path: "m", r: 1, lora_alpha: 1 };
    await writeFile(join(client, "adapter_config.json"), JSON.stringify(config));
  }
}

describe("fedclair aggregate, killed at any write", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-aggregate-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  for (const round of [1, 2]) {
    it(`has the same result as an undisturbed step when it is run again: round ${round}`, async () => {
      const [state, out] = [join(folder, "state"), join(folder, "deep", "out")];
      const options: RoundOptions = {
        aggregator: "local",
        out,
        state,
      };
      const step = () => aggregateRound(join(folder, "in"), options);
      const reset = async () => {
        for (const one of [state, join(folder, "deep")])
          await rm(one, { recursive: true, force: true });
        if (round > 1) await cp(join(folder, "before"), state, { recursive: true });
      };
      if (round > 1) {
        await saveRound(join(folder, "in"), 1);
        await step();
        await cp(state, join(folder, "before"), { recursive: true });
      }
      await saveRound(join(folder, "in"), round);
      await reset();
      await step();
      const undisturbed = await readFiles(state, join(folder, "deep"));
      for (let n = 1; ; n++) {
        await reset();
        if (!(await killAtWrite(n, step))) {
          assert.ok(n > 15, `only ${n} writes`);
          break;
        }
        await buryLock(state);
        const isDone = await step().then(
          () => false,
          (error: unknown) => error instanceof UserError && /exists already/.test(error.message),
        );
        const left = Object.entries(await readFiles(state, join(folder, "deep")));
        // A step killed after its end leaves the old adapters, which the next step removes.
        const before = join(state, `round-${round - 1}`);
        const kept = left.filter(([file]) => !isDone || !file.startsWith(before));
        assert.deepEqual(Object.fromEntries(kept), undisturbed, `killed at write ${n}`);
      }
    });
  }

  it("does not mistake another folder for its own result", async () => {
    const [state, out] = [join(folder, "state"), join(folder, "out")];
    await saveRound(join(folder, "in"), 1);
    const options = {
      aggregator: "fedavg",
    };
    const step = () => aggregateRound(join(folder, "in"), { ...options, out, state });
    let n = 1;
    // The first attempt whose adapters are in place while its state is not.
    while ((await killAtWrite(n, step)) && !(await readdir(folder)).includes("out")) {
      await buryLock(state);
      n++;
    }
    await buryLock(state);
    await writeFile(join(out, "verdicts.json"), "{}\n");
    await assert.rejects(step(), /^UserError: --out: '.*' exists already/);
    assert.equal(await readFile(join(out, "verdicts.json"), "utf8"), "{}\n");
    await rm(out, { recursive: true });
    await mkdir(`${out}.part`, { recursive: true });
    await writeFile(join(`${out}.part`, "notes.txt"), "");
    await assert.rejects(step(), /^UserError: '.*out\.part' is in the way/);
  });
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Changes a record of a run, and the hashes of all records after it, so that only running the round
 * again can show it.
 * @param number of the record, from 1
 */
export async function forgeRecord(
  folder: string,
  number: number,
  change: (record: string) => string,
): Promise<void> {
  const read = async (file: string) => (await readFile(join(folder, file), "utf8")).split("\n");
  const records = await read("records.jsonl");
  const record = records[number - 1] ?? "";
  const forged = change(record);
  assert.notEqual(forged, record);
  records[number - 1] = forged;
  await writeFile(join(folder, "records.jsonl"), records.join("\n"));
  const info = JSON.parse(await readFile(join(folder, "run.json"), "utf8")) as { hash: string };
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  let link = sha256(`fedclair chain of ${info.hash}\n`);
  const links = records.slice(0, -1).map((line) => (link = sha256(`${link}\n${line}\n`)));
  const timings = (await read("timings.jsonl")).map((line, i) =>
    line === "" ? line : JSON.stringify({ ...(JSON.parse(line) as object), chain: links[i] }),
  );
  await writeFile(join(folder, "timings.jsonl"), timings.join("\n"));
  const summary = await readFile(join(folder, "summary.json"), "utf8");
  await writeFile(
    join(folder, "summary.json"),
    summary.replace(/"chain": "\w+"/, `"chain": "${link}"`),
  );
}

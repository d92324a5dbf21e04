import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { checkValue } from "@fedclair/core/internal";
import {
  chosenFile,
  createFresh,
  createInTab,
  firstParams,
  trainOnce,
} from "../../testing/chosen.js";
import { textCopy } from "./index.js";

const lines = ["Call me Ishmael.", "Some years ago,", "never mind how long", "precisely: 1851!"];
const csv = ["who,line", ...lines.map((line, i) => `w${i % 3},"${line}"`)].join("\n");
const text = lines.join(" ");

const dealt = { partition: { by: "iid" }, sequences: 8, localSteps: 2, evaluationSequences: 16 };
const source = { file: "/elsewhere/theirs.csv", columns: { text: "line" } };

function rejected(work: Promise<unknown>, message: RegExp): Promise<void> {
  return assert.rejects(
    work,
    (error) => error instanceof UserError && message.test(error.message),
    String(message),
  );
}

describe("text-copy on texts that are dealt out", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-texts-"));
    await mkdir(join(folder, "notes"));
    await writeFile(join(folder, "mine.csv"), csv);
    await writeFile(join(folder, "notes/a.txt"), text.slice(0, 30));
    await writeFile(join(folder, "notes/b.txt"), text.slice(30));
  });
  after(() => rm(folder, { recursive: true }));

  it("gives rows to clients without names, whoever they are from", async () => {
    const own = { ...source, file: join(folder, "mine.csv") };
    const task = await createFresh(textCopy, { ...dealt, source: own });
    assert.ok(!("clientLabel" in task));
    const options = textCopy.schema.parse({ ...dealt, source: own }) as never;
    assert.equal(textCopy.namesClients?.(options), false);
    task.checkClients?.(2); // any two lines have 30 characters
    assert.throws(
      () => task.checkClients?.(3),
      /mine\.csv: the client of index \d has only \d+ usable characters, expected at least 30/,
    );
    assert.throws(() => task.checkClients?.(5), /4 samples do not suffice for 5 clients/);
    const synthetic = checkValue(textCopy.schema, { partition: { by: "iid" } });
    assert.match(synthetic.faults.join(), /^partition: is for real texts/);
  });

  for (const [kind, files, own, texts] of [
    ["a table", [chosenFile("mine.csv", csv)], { ...source, file: "mine.csv" }, ["4", "64"]],
    [
      "files",
      [
        chosenFile("notes/b.txt", text.slice(30)),
        chosenFile("notes/a.txt", text.slice(0, 30)),
        chosenFile("notes/read.me", "-"),
      ],
      { folder: "notes" },
      ["2", "67"],
    ],
  ] as const) {
    it(`trains in a tab, with ${kind}, what Node.js trains for one client`, async () => {
      const path =
        "file" in own ? { file: join(folder, own.file) } : { folder: join(folder, own.folder) };
      const inNode = await createFresh(textCopy, { ...dealt, source: { ...own, ...path } });
      const params = await firstParams(inNode);
      const expected = await trainOnce(inNode, params, 0, 1);
      const { task, read } = await createInTab("text-copy", { ...dealt, source }, files);
      const found = await trainOnce(task, params, 7, 9);
      assert.deepEqual(found.trained, expected.trained);
      assert.deepEqual(found.measured, expected.measured);
      assert.ok(task.trainCohort);
      assert.deepEqual(read?.facts, [
        ["texts", texts[0]],
        ["usable characters", texts[1]],
      ]);
      assert.equal(read.notes.length, kind === "files" ? 1 : 0);
    });
  }

  it("refuses trials whose clients have names, tokens that are no letters, and short texts", async () => {
    const inTab = (options: object, content: string) =>
      createInTab("text-copy", options, [chosenFile("mine.txt", content)]);
    await rejected(inTab({}, text), /source: synthetic, whose tokens are no letters/);
    await rejected(inTab({ source: "sotu" }, text), /the texts of named clients/);
    await rejected(inTab({ source }, text), /partition: \{ by: iid \}, and this one has the texts/);
    await rejected(
      inTab({ ...dealt, source }, "Too short."),
      /^source: mine\.txt has only 10 usable characters, expected at least 30/,
    );
    await rejected(
      createInTab("text-copy", { ...dealt, source }, undefined),
      /choose \.txt files, or a CSV file with the column line/,
    );
    assert.ok((await inTab({ ...dealt, source: "sotu" }, text)).task);
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findClients } from "./find-clients.js";

describe("findClients", () => {
  let round: string;
  beforeEach(async () => {
    round = await mkdtemp(join(tmpdir(), "round-"));
  });
  afterEach(() => rm(round, { recursive: true }));

  const create = async (...names: readonly string[]): Promise<void> => {
    for (const name of names) {
      await mkdir(join(round, name), { recursive: true });
      await writeFile(join(round, name, "adapter_config.json"), "{}");
    }
  };
  const find = async () => {
    const { clients, faults } = await findClients(round);
    return { clients: clients.map(({ name }) => name), faults: Object.fromEntries(faults) };
  };

  it("takes every folder directly in the round as one client", async () => {
    await create("bob", "alice", "checkpoint-3", "Zoë 2");
    await writeFile(join(round, "counts.json"), "{}");
    const clients = ["Zoë 2", "alice", "bob", "checkpoint-3"];
    assert.deepEqual(await find(), { clients, faults: {} });
  });

  it("refuses names that cannot be seen or are not text, each with a row of its own", async () => {
    await create("alice", "alice ", ".hidden", "a\u200blice", "a\\x", "x".repeat(129));
    await mkdir(join(round, ".cache", "adapter"), { recursive: true });
    for (const byte of [0xfe, 0xff]) mkdirSync(Buffer.from([...Buffer.from(`${round}/`), byte]));
    const { clients, faults } = await find();
    assert.deepEqual(clients, ["alice"]);
    const names = ["alice\\u{20}", ".hidden", "a\\u{200b}lice", "a\\u{5c}x", "x".repeat(129)];
    assert.deepEqual(Object.keys(faults).sort(), [...names, "\\xfe", "\\xff"].sort());
    for (const fault of Object.values(faults))
      assert.match(fault, /a client cannot have this name/);
  });

  it("refuses clients with adapters in deeper folders, and adapters that are absent", async () => {
    await create("alice", "bob/adapter", "eve", "eve/checkpoint-4", "eve/x/y/z", "eve/x0");
    await mkdir(join(round, "carol"));
    assert.deepEqual(await find(), {
      clients: ["alice"],
      faults: {
        bob: "no adapter_config.json, but 'adapter' in it has one: expected the adapter directly in the client's folder",
        carol: "no adapter_config.json: was it written to its end?",
        eve: "adapters deeper in it: 'checkpoint-4' and 2 more; expected one adapter, directly in the client's folder",
      },
    });
  });

  it("refuses links, whatever they lead to", async () => {
    await create("alice", "loop", "linked-file");
    await symlink("../loop", join(round, "loop", "again"));
    await symlink("alice", join(round, "bob"));
    await symlink("nowhere", join(round, "broken"));
    const model = "adapter_model.safetensors";
    await symlink(`../alice/${model}`, join(round, "linked-file", model));
    assert.deepEqual(await find(), {
      clients: ["alice"],
      faults: {
        bob: "a link: expected a folder, with the files in it",
        broken: "a link: expected a folder, with the files in it",
        "linked-file": `'${model}' in it is a link: expected the file or folder itself`,
        loop: "'again' in it is a link: expected the file or folder itself",
      },
    });
  });

  it("refuses what is neither a folder nor a file", async () => {
    await create("alice");
    execFileSync("mkfifo", [join(round, "bob")]);
    assert.deepEqual(await find(), {
      clients: ["alice"],
      faults: { bob: "neither a folder nor a file: expected a folder" },
    });
  });

  it("throws if the folder is no round", async () => {
    await assert.rejects(findClients(join(round, "none")), /no folder '.*none'/);
    await assert.rejects(findClients(round), /no client in '.*round-/);
    await create(".");
    await assert.rejects(findClients(round), /'.*' is an adapter: give the folder of a round/);
  });
});

import assert from "node:assert/strict";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashContent } from "@fedclair/runs";
import { HubServer, readModel } from "../../testing/hub-server.js";
import { collectAdapters, type CollectOptions } from "../collect-adapters.js";
import { parseHubName } from "./hub-name.js";

const pile = fileURLToPath(new URL("../../../fixtures/adapters/presidents", import.meta.url));
const token = "hf_verysecret";
const tensors = "adapter_model.safetensors";

describe("the address of an adapter", () => {
  it("has a repository, and a folder and a revision if they are given", async () => {
    const parts = async (text: string) => {
      const { repo, folder, revision } = (await parseHubName(text)) ?? {};
      return [repo, folder, revision];
    };
    assert.deepEqual(await parts("hf://org/name"), ["org/name", "", "main"]);
    assert.deepEqual(await parts("org/name@v1.0"), ["org/name", "", "v1.0"]);
    assert.deepEqual(await parts("hf://o/n/a/b@refs/pr/3"), ["o/n", "a/b", "refs/pr/3"]);
  });

  it("is not a path of this machine", async () => {
    for (const path of [".", "../x", "./org/name", "/org/name", "org", "a/b/c", "src/hub"]) {
      assert.equal(await parseHubName(path), undefined, path);
    }
    for (const path of ["hf://org", "hf://../x", "hf://org/name/../x", "hf://org/name@../x"]) {
      await assert.rejects(parseHubName(path), /expected hf:\/\/org\/name, with \/folder and @rev/);
    }
  });
});

describe("an adapter by name", () => {
  let server: HubServer;
  let url: string;
  let cacheFolder: string;
  let lines: string[];

  beforeEach(async () => {
    server = new HubServer();
    url = await server.start();
    cacheFolder = await mkdtemp(join(tmpdir(), "hub-cache-"));
    lines = [];
    server.models.set("org/one", readModel(join(pile, "james_monroe"), "mit"));
  });
  afterEach(async () => {
    await server.stop();
    await rm(cacheFolder, { recursive: true, force: true });
  });

  const collect = (path: string, more: CollectOptions = {}) =>
    collectAdapters([path], {
      ...more,
      hub: { url, token, cacheFolder, isOffline: false, ...more.hub },
      log: (line) => lines.push(line),
    });
  const blobs = () =>
    readdir(join(cacheFolder, "models--org--one", "blobs")).catch((): string[] => []);
  /** Expects one line of error without the token, and that no tensors are half-written. */
  const fails = async (message: RegExp, path = "hf://org/one", more: CollectOptions = {}) => {
    const error = await collect(path, more).then(() => assert.fail("no error"), String);
    assert.match(error, message);
    assert.doesNotMatch(error, /\n/);
    assert.doesNotMatch(error + lines.join(), /secret/);
    for (const name of await blobs()) {
      if (name.length !== 64) continue;
      const blob = createReadStream(join(cacheFolder, "models--org--one", "blobs", name));
      assert.equal(await hashContent(blob), name);
    }
  };
  /** Answers requests whose URL fits with a fault. */
  const breakWith = (
    pattern: RegExp,
    act: (response: ServerResponse) => void,
    times = Infinity,
  ) => {
    let left = times;
    server.intercept = (asked, response) => {
      if (!pattern.test(asked) || left-- <= 0) return false;
      act(response);
      return true;
    };
  };

  it("is downloaded once, two files of it, with what the hub says about it", async () => {
    server.models.set("org/one", {
      licence: "mit",
      files: new Map([...readModel(join(pile, "james_monroe")).files, ["x.py", Buffer.from("1")]]),
    });
    const { adapters } = await collect("hf://org/one");
    const [one] = adapters;
    const commit = server.commitOf("org/one");
    assert.equal(one?.name, "hf://org/one");
    assert.deepEqual(one.hub, {
      repo: "org/one",
      commit,
      revision: "main",
      page: `${url}/org/one/blob/${commit}`,
      isSibling: false,
      files: ["adapter_config.json", tensors, "x.py"],
      modified: "2026-01-02T03:04:05.000Z",
      licence: "mit",
    });
    assert.deepEqual(await readdir(one.folder), ["adapter_config.json", tensors]);
    assert.deepEqual(
      await readFile(join(one.folder, tensors)),
      await readFile(join(pile, "james_monroe", tensors)),
    );
    assert.ok(server.received.every((request) => request.token === `Bearer ${token}`));
    server.received.length = 0;
    await collect("hf://org/one");
    assert.ok(server.received.every((request) => !request.url.includes("/resolve/")));
  });

  it("is a folder of this machine if there is one of that name", async () => {
    const cwd = process.cwd();
    process.chdir(cacheFolder);
    try {
      await mkdir("org/one", { recursive: true });
      await assert.rejects(collect("org/one"), /no adapter in 'org\/one'/);
      assert.equal((await collect("hf://org/one")).adapters.length, 1);
    } finally {
      process.chdir(cwd);
    }
  });

  it("comes from the cache if the hub cannot be reached", async () => {
    await fails(
      /^UserError: hf:\/\/org\/one: HF_HUB_OFFLINE is set, and the cache '.*' does not/,
      undefined,
      {
        hub: { isOffline: true },
      },
    );
    const { adapters } = await collect("hf://org/one");
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const away = { hub: { url: `http://127.0.0.1:${(closed.address() as AddressInfo).port}` } };
    closed.close();
    const again = await collect("hf://org/one", away);
    assert.equal(again.adapters[0]?.folder, adapters[0]?.folder);
    assert.match(lines.join("\n"), /cannot reach http.*ECONNREFUSED\); using commit \w{40} from/);
    const commit = server.commitOf("org/one");
    assert.equal((await collect(`org/one@${commit}`, away)).adapters.length, 1);
    await fails(
      /cannot reach http:\/\/127.0.0.1:\d+ \(ECONNREFUSED\), and the cache/,
      "org/two",
      away,
    );
  });

  it("keeps the token from the host that a redirect names", async () => {
    const files = server.models.get("org/one")?.files ?? assert.fail();
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(files.get(tensors));
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    breakWith(/resolve.*safetensors/, (response) =>
      response.writeHead(302, { Location: `http://localhost:${port}/file` }).end(),
    );
    assert.equal((await collect("hf://org/one")).adapters.length, 1);
    assert.deepEqual(seen, [undefined]);
    other.close();
  });

  it("fails in one line if it does not exist, or is private or gated", async () => {
    await fails(
      /^UserError: no folder .org\/two.; hf:\/\/org\/two: .* has no such model, revision or file \(404\)$/,
      "org/two",
    );
    await fails(/has no such model, revision or file \(404\)/, "hf://org/one@v9");
    breakWith(/revision/, (response) => response.writeHead(401).end("no"));
    await fails(/it does not exist, or your HF_TOKEN may not read it \(401\): accept its terms/);
    breakWith(/resolve/, (response) => response.writeHead(403).end("gated"));
    await fails(/your HF_TOKEN may not read it \(403\)/);
    await fails(/private or gated \(403\): if you may read it, set HF_TOKEN/, undefined, {
      hub: { token: "" },
    });
    await fails(/HF_TOKEN: expected a token of the hub/, undefined, { hub: { token: "secret" } });
  });

  it("waits when the hub asks for it, and fails in one line if it asks for long", async () => {
    const busy = (pause: string) => (response: ServerResponse) =>
      response.writeHead(429, { "Retry-After": pause }).end();
    breakWith(/revision/, busy("0"), 2);
    assert.equal((await collect("hf://org/one")).adapters.length, 1);
    breakWith(/revision/, busy("0"));
    await fails(/answered with 429, too many requests: try again later, or set HF_TOKEN/);
    breakWith(/revision/, busy("900"));
    await fails(/try again in 900 s/);
    breakWith(/paths-info/, (response) => response.writeHead(503, { "Retry-After": "0" }).end());
    await fails(/answered with 503 3 times: try again later/);
  });

  it("goes on where a download was cut", async () => {
    const content = server.models.get("org/one")?.files.get(tensors) ?? assert.fail();
    const cut = (response: ServerResponse) => {
      response.writeHead(200, { "Content-Length": content.length });
      response.write(content.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20));
    };
    breakWith(/resolve.*safetensors/, cut);
    await fails(
      /hf:\/\/org\/one\/adapter_model\.safetensors: the download broke off after 1000 of \d+ bytes.*run the audit again/,
    );
    assert.ok((await blobs()).some((name) => name.endsWith(".incomplete")));
    server.intercept = () => false;
    server.received.length = 0;
    const { adapters } = await collect("hf://org/one");
    assert.ok(server.received.some(({ range }) => range === "bytes=1000-"));
    const folder = adapters[0]?.folder ?? assert.fail();
    assert.deepEqual(await readFile(join(folder, tensors)), Buffer.from(content));
    assert.ok((await blobs()).every((name) => !name.endsWith(".incomplete")));
    // Within one run, a cut connection is continued.
    await rm(cacheFolder, { recursive: true });
    breakWith(/resolve.*safetensors/, cut, 1);
    assert.equal((await collect("hf://org/one")).adapters.length, 1);
  });

  it("is not kept if it is not what the hub announced", async () => {
    const content = server.models.get("org/one")?.files.get(tensors) ?? assert.fail();
    const other = Buffer.from(content);
    other[other.length - 1] = 255 - (other.at(-1) ?? 0);
    breakWith(/resolve.*safetensors/, (response) => response.end(other));
    await fails(/expected the announced hash \w{64}, got \w{64}: it is deleted/);
    breakWith(/resolve.*safetensors/, (response) => response.end(Buffer.concat([other, other])));
    await fails(/expected the announced \d+ bytes, got more: it may have changed/);
    assert.equal((await blobs()).length, 1); // the configuration
    // A blob of the cache that became shorter is downloaded again.
    server.intercept = () => false;
    const { adapters } = await collect("hf://org/one");
    const file = join(adapters[0]?.folder ?? assert.fail(), tensors);
    await truncate(file, 10);
    await collect("hf://org/one");
    assert.equal((await stat(file)).size, content.length);
  });

  it("is not downloaded if it is too large, or the answer is none of a hub", async () => {
    const size = 6e9;
    const announced = (hash: string, path = tensors) => [
      { path, size, oid: hash },
      { path: "adapter_config.json", size: 10, oid: "0".repeat(40) },
    ];
    const send = (value: unknown) => (response: ServerResponse) =>
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    server.models.set("org/one", {
      files: new Map([
        ["adapter_config.json", Buffer.from("{}")],
        [tensors, Buffer.from("x")],
      ]),
    });
    breakWith(/paths-info/, send(announced("../../../evil")));
    await fails(/expected the size and the hash of adapter_/);
    breakWith(
      /paths-info/,
      send([{ path: "adapter_config.json", size: 1e8, oid: "0".repeat(40) }]),
    );
    await fails(/adapter_config\.json has 100000000 bytes, and at most 10000000 are downloaded/);
    breakWith(/paths-info/, send(announced("1".repeat(64))));
    await fails(/adapter_model\.safetensors has 6000000000 bytes, and at most 5000000000 are/);
    breakWith(/./, (response) => response.end("<html>"));
    await fails(/did not answer as a hub does \(SyntaxError.*\): check --hub-url/);
    breakWith(/revision/, send({ sha: "../x", siblings: [], lastModified: "2026-01-01" }));
    await fails(/expected the hash of a commit from the hub, got '\.\.\/x'/);
    await fails(/--hub-url: expected a URL/, undefined, { hub: { url: "file:///etc" } });
    server.intercept = () => false;
    server.models.set("org/one", {
      files: new Map([["a/adapter_config.json", Buffer.from("{}")]]),
    });
    await fails(/no adapter: it has no adapter_config\.json; there is one in hf:\/\/org\/one\/a$/);
    const shards = [`${tensors}.index.json`, "adapter_config.json"];
    server.models.set("org/one", {
      files: new Map(shards.map((name) => [name, Buffer.from("{}")])),
    });
    await fails(/expected tensors in one file, got an index of several: download it yourself/);
  });

  it("stops when the signal aborts", async () => {
    breakWith(/resolve/, () => undefined); // no answer
    const signal = AbortSignal.timeout(50);
    await assert.rejects(collect("hf://org/one", { signal }), /aborted due to timeout/);
  });

  it("gets siblings of the same base, rank and modules, and no others", async () => {
    const { files } = readModel(join(pile, "james_monroe"));
    const text = Buffer.from(files.get("adapter_config.json") ?? assert.fail()).toString();
    const config = { ...(JSON.parse(text) as object), base_model_name_or_path: "org/base" };
    const save = (name: string, folder: string, changes: object = {}) => {
      const own = new Map(readModel(join(pile, folder)).files);
      own.set("adapter_config.json", Buffer.from(JSON.stringify({ ...config, ...changes })));
      server.models.set(name, { files: own });
    };
    save("org/one", "james_monroe");
    save("a/rank", "john_tyler", { r: 4 });
    save("a/modules", "john_tyler", { target_modules: ["k_proj"] });
    save("a/first", "john_tyler");
    save("a/gated", "john_tyler");
    save("a/second", "jimmy_carter");
    save("a/third", "calvin_coolidge");
    save("a/elsewhere", "john_tyler", { base_model_name_or_path: "org/other" });
    breakWith(/a\/gated/, (response) => response.writeHead(403).end());
    const { adapters } = await collect("org/one", { siblings: 2 });
    assert.deepEqual(
      adapters.map(({ name, hub }) => [name, hub?.isSibling]),
      [
        ["hf://org/one", false],
        ["hf://a/first", true],
        ["hf://a/second", true],
      ],
    );
    assert.match(lines.join("\n"), /sibling left out: hf:\/\/a\/gated: .*403/);
    assert.match(lines.join("\n"), /2 siblings of 2 among 5 adapters of org\/base/);
    await collect("org/one", { siblings: 50 });
    assert.match(lines.join("\n"), /3 siblings of 50 among 6 adapters of org\/base/);
    assert.ok(!existsSync(join(cacheFolder, "models--a--rank", "blobs", tensors)));
    breakWith(/api\/models\?/, (response) =>
      response.writeHead(429, { "Retry-After": "99" }).end(),
    );
    await fails(/answered with 429/, "org/one", { siblings: 2 });
    server.intercept = () => false;
    save("org/one", "james_monroe", { base_model_name_or_path: "/home/me/base" });
    await fails(/has base '\/home\/me\/base': expected the name of a model/, "org/one", {
      siblings: 2,
    });
  });
});

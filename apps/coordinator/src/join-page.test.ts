import assert from "node:assert/strict";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { UserError } from "@fedclair/core";
import { createJoinPageFor } from "./join-page.js";

const trialJson = '{"name":"copies","task":{"name":"digits"}}';
let server: Server;
let origin: string;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Unlike `fetch`, sends any path and headers as they are, and does not unzip. */
function get(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, headers, method }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("end", () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: Buffer.concat(pieces) });
      });
    });
    asked.on("error", reject).end();
  });
}

describe("the page on which tabs join", () => {
  before(async () => {
    const page = await createJoinPageFor(true, "127.0.0.1", trialJson);
    server = createServer((asked, response) => page?.answer(origin, asked, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  it("has no script or style in its markup, and lets nothing come from elsewhere", async () => {
    const { status, headers, body } = await get("/");
    assert.equal(status, 200);
    const policy = String(headers["content-security-policy"]);
    assert.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src/);
    assert.ok(policy.includes(`connect-src 'self' ws${origin.slice(4)};`), policy);
    assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval|\*/);
    const markup = gunzipSync(body).toString();
    assert.doesNotMatch(markup, /<style|<script(?![^>]* src="\/)|https?:/);
  });

  it("says what the trial is", async () => {
    const { body } = await get("/trial.json");
    assert.equal(gunzipSync(body).toString(), trialJson);
  });

  it("sends a file once as long as it stays the same", async () => {
    const first = await get("/worker.js");
    assert.equal(first.status, 200);
    const tag = String(first.headers["etag"]);
    const again = await get("/worker.js", { "if-none-match": tag });
    assert.deepEqual([again.status, again.body.length], [304, 0]);
  });

  it("sends the base of text-copy, and nothing outside its folder", async () => {
    assert.equal((await get("/data/text-copy-20.safetensors")).status, 200);
    for (const path of ["/../package.json", "/%2e%2e/package.json", "/data", "/index.html", "//"]) {
      assert.equal((await get(path)).status, 404, path);
    }
    assert.equal((await get("/", {}, "POST")).status, 405);
  });

  it("answers only under its own address, to which it leads", async () => {
    const { status, headers } = await get("/?x", { host: "localhost:1" });
    assert.deepEqual([status, headers["location"]], [307, `${origin}/`]);
    assert.equal((await get("/worker.js", { host: "evil.example" })).status, 403);
  });

  it("needs its address if the coordinator has several, and no path in it", async () => {
    assert.equal(await createJoinPageFor(undefined, "0.0.0.0"), undefined);
    const page = await createJoinPageFor("https://fl.example.org:4000/", "0.0.0.0");
    assert.equal(page?.origin, "https://fl.example.org:4000");
    await assert.rejects(
      createJoinPageFor(true, "0.0.0.0"),
      /--join-page: a coordinator that listens on 0\.0\.0\.0 has several addresses/,
    );
    for (const wrong of [
      "fl.example.org",
      "ftp://fl.example.org",
      "https://fl.example.org/x",
      "",
    ]) {
      await assert.rejects(createJoinPageFor(wrong, "127.0.0.1"), (error: unknown) => {
        assert.ok(error instanceof UserError);
        assert.ok(error.message.endsWith(`got '${wrong}'`));
        return true;
      });
    }
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

/** Returns the stderr of a process that logs the message. */
function logMessage(message: string): string {
  const script = `
    import { createLog } from ${JSON.stringify(new URL("./log.js", import.meta.url).href)};
    createLog("test").warn(${JSON.stringify(message)});`;
  return spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
    env: { ...process.env, FEDCLAIR_LOG: "info" },
  }).stderr;
}

describe("createLog", () => {
  it("adds the fields of the process and of the line, escaped", () => {
    const script = `
      import { createLog } from ${JSON.stringify(new URL("./log.js", import.meta.url).href)};
      const at = { trial: "pilot", round: undefined };
      const log = createLog("test", () => at);
      log.warn("early");
      at.round = 2;
      log.warn({ client: "c\\u202e1" + "x".repeat(5000) }, "late");`;
    const { stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      encoding: "utf8",
      env: { ...process.env, FEDCLAIR_LOG: "info" },
    });
    const [early, late] = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(early && late);
    assert.deepEqual([early["trial"], early["round"], early["msg"]], ["pilot", undefined, "early"]);
    assert.deepEqual([late["trial"], late["round"], late["msg"]], ["pilot", 2, "late"]);
    assert.match(String(late["client"]), /^c\\u\{202e\}1x{200,260}…$/);
  });

  it("writes one short line per message, whatever the message contains", () => {
    const lines = logMessage("joined (wasm\nERROR: forged\u001b[2J\u202e)").trimEnd().split("\n");
    assert.equal(lines.length, 1);
    const { name, msg } = JSON.parse(lines[0] ?? "") as { name: string; msg: string };
    assert.equal(name, "test");
    assert.equal(msg, "joined (wasm\\nERROR: forged\\u{1b}[2J\\u{202e})");
    assert.ok(logMessage("x".repeat(50_000)).length < 5000);
  });
});

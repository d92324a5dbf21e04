import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { Devices, devicesSchema } from "./devices.js";
import { Trace } from "./trace.js";

const ids = Array.from({ length: 2001 }, (_, i) => `c${i}`);
const median = (values: number[]) => values.sort((x, y) => x - y)[values.length >> 1] ?? NaN;
const createDevices = (options: unknown) =>
  new Devices(devicesSchema.parse(options), ids.length, stream(1), undefined);

describe("Devices", () => {
  it("have log-normal speeds over clients, and jitter from round to round", () => {
    const devices = createDevices({ seconds: { median: 20, sigma: 0.5 }, jitter: 0.1 });
    const logs = ids.map((id) => Math.log(devices.span(id, 1, 0, 0).seconds / 20));
    const sigma = Math.sqrt(logs.reduce((sum, x) => sum + x * x, 0) / logs.length);
    assert.ok(Math.abs(median(logs)) < 0.05);
    assert.ok(Math.abs(sigma - Math.hypot(0.5, 0.1)) < 0.03, String(sigma));
    const own = Array.from({ length: 2001 }, (_, r) => devices.span("c7", r, 0, 0).seconds);
    const spread = own.map((s) => Math.log(s / median([...own])) ** 2);
    assert.ok(Math.abs(Math.sqrt(spread.reduce((x, y) => x + y) / 2001) - 0.1) < 0.01);
  });

  it("are available at random, again in every round", () => {
    const devices = createDevices({ seconds: { median: 1 }, available: 0.3 });
    for (const round of [1, 2]) {
      const available = ids.filter((id) => devices.isThere(id, round, 0)).length;
      assert.ok(Math.abs(available / ids.length - 0.3) < 0.03, String(available));
    }
    assert.ok(ids.some((id) => devices.isThere(id, 1, 0) !== devices.isThere(id, 2, 0)));
  });

  it("reject options with both kinds of speed, or with neither", () => {
    for (const wrong of [
      {},
      { trace: "a.csv", seconds: { median: 1 } },
      { seconds: { median: 0 } },
    ]) {
      assert.equal(devicesSchema.safeParse(wrong).success, false);
    }
  });
});

describe("Trace", () => {
  const head = "device,seconds,bytesPerSecond,from,to";
  it("repeats its rows periodically", () => {
    const trace = Trace.parse(`${head}\nphone,2,1000,0,10\nphone,3,,20,30\npc,1,,5,25\n`, "t.csv");
    assert.equal(trace.period, 30);
    for (const [index, clock, seconds] of [
      [0, 0, 2],
      [0, 10, undefined],
      [0, 25, 3],
      [0, 30, 2],
      [1, 5, 1],
      [3, 65, 1],
    ] as const) {
      assert.equal(trace.at(index, clock)?.seconds, seconds, `${index} at ${clock}`);
    }
    assert.equal(trace.at(0, 25)?.bytesPerSecond, Infinity);
    assert.deepEqual(
      [0, 5, 21, 29].map((clock) => trace.untilNext(clock)),
      [5, 15, 9, 1],
    );
  });

  for (const [what, text, expected] of [
    ["an unknown head", "a,b", /^UserError: t\.csv:1: expected the columns device,.*, got 'a,b'/],
    ["a file without devices", head, /t\.csv: expected a row a device, got none/],
    ["too few columns", `${head}\na,1`, /t\.csv:2: expected 5 columns, got 2/],
    ["missing seconds", `${head}\na,,,,`, /t\.csv:2: seconds: expected a positive number, got ''/],
    [
      "a value that is not a number",
      `${head}\na,1,fast,,`,
      /t\.csv:2: bytesPerSecond: expected .*, got 'fast'/,
    ],
    [
      "a stay that ends before it begins",
      `${head}\na,1,,5,5`,
      /t\.csv:2: expected from < to, got 5 and 5/,
    ],
    ["stays that overlap", `${head}\na,1,,0,5\na,2,,4,9`, /t\.csv:3: device 'a' is there already/],
  ] as const) {
    it(`rejects ${what}`, () => {
      assert.throws(() => Trace.parse(text, "t.csv"), expected);
    });
  }
});

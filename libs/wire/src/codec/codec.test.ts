import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readNumbers, toBfloat16, toInt8, type Tensor } from "@fedclair/core";
import fc from "fast-check";
import { fedclair } from "#gen/fedclair.js";
import { coordinatorMessage, damage, tensor, update } from "../../testing/arbitraries.js";
import { goodJoin } from "../../testing/raw-host.js";
import { WireError } from "./wire-error.js";
import { decodeCoordinatorMessage, encodeCoordinatorMessage } from "./coordinator-message.js";
import { encodeBase } from "./base-message.js";
import { decodeFrame, encodeFrame } from "./frame.js";
import {
  decodeHostMessage,
  encodeClientFailed,
  encodeJoin,
  encodeReady,
  encodeUpdate,
} from "./host-message.js";
import { decodeReply, encodeReply, type Reply } from "./reply.js";
import { tensorFromWire, tensorToWire } from "./tensors.js";

const bits = (tensor: Tensor) => {
  const data = readNumbers(tensor);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
};
const jobId = 7;

/** The failure of the WireError that `decode` throws; any other error fails the test. */
function failureCode(decode: () => unknown): string | undefined {
  try {
    decode();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return error.failure.code;
  }
}

function readUpdate(bytes: Uint8Array) {
  const message = decodeHostMessage(bytes);
  assert.equal(message.type, "clientUpdate");
  return { ...message, update: message.read() };
}

describe("codec", () => {
  it("keeps every bit of a tensor", () => {
    fc.assert(
      fc.property(tensor, (original) => {
        const { Tensor: codec } = fedclair.v1;
        const copy = tensorFromWire(codec.decode(codec.encode(tensorToWire(original)).finish()));
        assert.deepEqual(copy.shape, original.shape);
        assert.equal(readNumbers(copy).constructor, readNumbers(original).constructor);
        assert.deepEqual(bits(copy), bits(original));
        assert.equal(
          readNumbers(copy).buffer.byteLength,
          readNumbers(copy).byteLength,
          "shares its memory",
        );
      }),
    );
  });

  it("keeps the bits of a NaN's payload", () => {
    const data = new Float64Array(new BigUint64Array([0x7ff8_0000_dead_beefn]).buffer);
    const copy = tensorFromWire(tensorToWire({ shape: [1], data }));
    assert.equal(
      new BigUint64Array(readNumbers(copy).buffer as ArrayBuffer)[0],
      0x7ff8_0000_dead_beefn,
    );
  });

  it("writes packed numbers in as few bytes as they have", () => {
    const { Tensor: codec } = fedclair.v1;
    const tensor = { shape: [2, 100], data: new Float32Array(200).fill(1) };
    const length = (of: Tensor) => codec.encode(tensorToWire(of)).finish().length;
    const header = length(tensor) - 800;
    assert.equal(length(toBfloat16(tensor)), 400 + header);
    assert.ok(length(toInt8(tensor, () => 0)) <= 200 + 2 * 4 + header + 2);
    const half: Tensor = { shape: [2], dtype: "f16", codes: Uint16Array.of(0x3e00, 0xc000) };
    assert.deepEqual(tensorFromWire(tensorToWire(half)), half);
    assert.deepEqual([...readNumbers(half)], [1.5, -2]);
    assert.deepEqual(tensorToWire(toBfloat16({ shape: [1], data: Float32Array.of(-2) })), {
      shape: [1],
      dtype: fedclair.v1.DType.BF16,
      data: Uint8Array.of(0, 0xc0),
    });
  });

  it("writes numbers little-endian, and only the tensor's part of a buffer", () => {
    const data = new Float32Array([9, 1, 9]).subarray(1, 2);
    assert.deepEqual(tensorToWire({ shape: [1], data }).data, Uint8Array.of(0, 0, 0x80, 0x3f));
  });

  it("round-trips updates, with modules and metrics in order", () => {
    fc.assert(
      fc.property(fc.nat(), update, (id, original) => {
        const decoded = readUpdate(encodeUpdate(id, original));
        assert.equal(decoded.jobId, id);
        assert.deepEqual(decoded.update, original);
        assert.deepEqual([...decoded.update.delta.keys()], [...original.delta.keys()]);
        assert.deepEqual(Object.keys(decoded.update.metrics), Object.keys(original.metrics));
      }),
    );
  });

  it("reads an impossible job time as 0", () => {
    const parsed = [0.5, 0, -1, NaN, Infinity, 1e300].map((seconds) => {
      const update = { clientId: "c0", numExamples: 1, delta: new Map(), metrics: {} };
      const message = decodeHostMessage(encodeUpdate(jobId, update, seconds));
      return message.type === "clientUpdate" && message.workSeconds;
    });
    assert.deepEqual(parsed, [0.5, 0, 0, 0, 0, 0]);
  });

  it("keeps -0 and a metric called __proto__", () => {
    const metrics = Object.fromEntries([
      ["zero", -0],
      ["__proto__", 1],
    ]);
    const original = { clientId: "c0", numExamples: 1, delta: new Map(), metrics };
    const copy = readUpdate(encodeUpdate(jobId, original)).update.metrics;
    assert.deepEqual(Object.entries(copy), [
      ["zero", -0],
      ["__proto__", 1],
    ]);
  });

  it("round-trips the coordinator's messages", () => {
    fc.assert(
      fc.property(coordinatorMessage, (original) => {
        assert.deepEqual(decodeCoordinatorMessage(encodeCoordinatorMessage(original)), original);
      }),
    );
  });

  it("encodes a base module by module to the same bytes", async () => {
    await fc.assert(
      fc.asyncProperty(coordinatorMessage, async (message) => {
        if (message.type !== "base") return;
        const bytes = await encodeBase(message.id, message.params);
        assert.deepEqual(Buffer.from(bytes), Buffer.from(encodeCoordinatorMessage(message)));
      }),
    );
  });

  it("round-trips the other messages", () => {
    const plugins = [{ kind: "task", name: "mine", version: "1.0.0", hash: "0123456789abcdef" }];
    const join = { ...goodJoin, plugins, external: true };
    assert.deepEqual(decodeHostMessage(encodeJoin(join)), { type: "join", ...join });
    assert.deepEqual(decodeHostMessage(encodeReady()), { type: "ready" });
    const failure = { code: "CLIENT_ERROR", message: "out of data" } as const;
    assert.deepEqual(decodeHostMessage(encodeClientFailed(jobId, "c1", failure)), {
      type: "clientFailed",
      jobId,
      clientId: "c1",
      failure,
    });
    const replies: Reply[] = [
      { type: "accepted" },
      {
        type: "welcome",
        trialJson: "{}",
        backend: "wasm",
        softwareVersion: "1.2.3",
        chunkBytes: 1,
        maxMessageBytes: 2,
      },
      { type: "failure", failure },
    ];
    for (const reply of replies) assert.deepEqual(decodeReply(encodeReply(reply)), reply);
  });

  it("writes the bytes that docs/protocol.md shows", () => {
    const payload = encodeJoin({
      protocolVersion: 2,
      token: "",
      capacity: 2,
      backends: ["wasm"],
      softwareVersion: "0.1.0",
      plugins: [],
      external: false,
      instance: "",
      contaminations: [],
    });
    const frame = encodeFrame({ transfer: 0, offset: 0, total: payload.length, payload });
    const docs = readFileSync(new URL("../../../../../docs/protocol.md", import.meta.url), "utf8");
    const block = /^```\n(18 13 .*?)```/ms.exec(docs)?.[1] ?? "";
    const shown = block.split("\n").map((line) => /^ *((?:[0-9a-f]{2} )+)/.exec(line)?.[1] ?? "");
    assert.equal(shown.join("").trim(), Buffer.from(frame).toString("hex").replace(/..\B/g, "$& "));
  });

  it("cuts a long failure message, and makes it printable", () => {
    const failure = { code: "CLIENT_ERROR", message: "x".repeat(1e6) } as const;
    const message = decodeHostMessage(encodeClientFailed(jobId, "c1", failure));
    assert.ok(message.type === "clientFailed");
    assert.equal(message.failure.message, "x".repeat(1021) + "…");
  });
});

describe("codec, given malformed input", () => {
  const decoders = [
    readUpdate,
    decodeHostMessage,
    decodeCoordinatorMessage,
    decodeReply,
    decodeFrame,
  ];
  const pair = {
    b: { shape: [2, 1], data: Float32Array.of(1, 2) },
    a: { shape: [1, 1], data: Float32Array.of(3) },
  };
  const valid = [
    encodeUpdate(jobId, {
      clientId: "c0",
      numExamples: 4,
      delta: new Map([["w", pair]]),
      metrics: { loss: 0.5 },
    }),
    encodeCoordinatorMessage({
      type: "base",
      id: 3,
      params: new Map([["w", { shape: [3], data: Float64Array.of(1, 2, 3) }]]),
    }),
    encodeCoordinatorMessage({
      type: "clientJob",
      id: 1,
      clientId: "c0",
      round: 2,
      phase: "p",
      kind: "train",
      clientIndex: 0,
      clientCount: 4,
      seed: 1,
      commonSeed: 2,
      baseId: 3,
      rounds: [[], [new Map([["w", pair]]), new Map([["w", pair.a]])]],
    }),
    encodeReply({
      type: "welcome",
      trialJson: "{}",
      backend: "wasm",
      softwareVersion: "1.2.3",
      chunkBytes: 1000,
      maxMessageBytes: 2000,
    }),
    encodeFrame({ transfer: 1, offset: 2, total: 9, payload: Uint8Array.of(1, 2, 3) }),
  ];

  it("throws a WireError or nothing for random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of [
          decodeHostMessage,
          decodeCoordinatorMessage,
          decodeReply,
          decodeFrame,
        ]) {
          failureCode(() => decode(bytes));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("throws a WireError or nothing for cut and flipped messages", () => {
    fc.assert(
      fc.property(fc.constantFrom(...valid).chain(damage), (bytes) => {
        for (const decode of decoders.slice(1)) failureCode(() => decode(bytes));
        failureCode(() => {
          const message = decodeHostMessage(bytes);
          if (message.type === "clientUpdate") message.read();
        });
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses values that are not bytes", () => {
    for (const value of [undefined, null, 7, "text", {}, [1, 2], new ArrayBuffer(2)]) {
      assert.equal(
        failureCode(() => decodeFrame(value)),
        "MALFORMED",
      );
    }
  });

  it("refuses an empty message and an unknown body", () => {
    const field15 = Uint8Array.of((15 << 3) | 2, 0);
    for (const bytes of [new Uint8Array(0), field15]) {
      for (const decode of [decodeHostMessage, decodeCoordinatorMessage, decodeReply]) {
        assert.equal(
          failureCode(() => decode(bytes)),
          "MALFORMED",
        );
      }
    }
  });

  it("refuses inconsistent tensors", () => {
    const { BF16, INT8 } = fedclair.v1.DType;
    const bytes = (length: number) => new Uint8Array(length);
    const cases: [fedclair.v1.Tensor.$Properties, string][] = [
      [{ shape: [2], dtype: fedclair.v1.DType.F32, data: bytes(4) }, "WRONG_SHAPE"],
      [{ shape: [1], dtype: fedclair.v1.DType.F64, data: bytes(7) }, "WRONG_SHAPE"],
      [{ shape: [2 ** 31, 2 ** 31], dtype: fedclair.v1.DType.F32, data: bytes(0) }, "WRONG_SHAPE"],
      [{ shape: [1], data: bytes(4) }, "MALFORMED"],
      // shape [1], dtype 6, two bytes
      [fedclair.v1.Tensor.decode(Uint8Array.of(0x0a, 1, 1, 0x10, 6, 0x1a, 2, 0, 0)), "MALFORMED"],
      [{ shape: [2], dtype: BF16, data: bytes(3) }, "WRONG_SHAPE"],
      [{ shape: [2], dtype: BF16, data: bytes(2) }, "WRONG_SHAPE"],
      [{ shape: [2, 3], dtype: INT8, data: bytes(6) }, "WRONG_SHAPE"],
      [{ shape: [2, 3], dtype: INT8, data: bytes(6), scales: bytes(4) }, "WRONG_SHAPE"],
      [{ shape: [2, 3], dtype: INT8, data: bytes(6), scales: bytes(7) }, "WRONG_SHAPE"],
      [{ shape: [2, 3], dtype: INT8, data: bytes(5), scales: bytes(8) }, "WRONG_SHAPE"],
      // As many lines as an attacker likes, none with a number.
      [
        { shape: [2 ** 32 - 1, 0, 1], dtype: INT8, data: bytes(0), scales: bytes(0) },
        "WRONG_SHAPE",
      ],
    ];
    for (const [wire, code] of cases)
      assert.equal(
        failureCode(() => tensorFromWire(wire)),
        code,
      );
  });

  it("refuses duplicate names, missing parts and unknown codes", () => {
    const { CoordinatorMessage, HostMessage, Failure, WorkKind } = fedclair.v1;
    const scalar = tensorToWire({ shape: [], data: Float32Array.of(1) });
    const job = { clientId: "c0", phase: "p", kind: WorkKind.TRAIN };
    const deltas: fedclair.v1.Delta.$Properties[] = [
      {
        modules: [
          { name: "w", dense: scalar },
          { name: "w", dense: scalar },
        ],
      },
      { modules: [{ name: "w" }] },
      { modules: [{ name: "w", lowRank: { b: scalar } }] },
    ];
    for (const delta of deltas) {
      const bytes = CoordinatorMessage.encode({
        clientJob: { ...job, rounds: [{}, { terms: [{}, delta] }] },
      }).finish();
      assert.equal(
        failureCode(() => decodeCoordinatorMessage(bytes)),
        "MALFORMED",
      );
    }
    const kind = WorkKind.EVALUATE;
    for (const changes of [
      { kind: 0 },
      { kind, control: {} },
      { kind: WorkKind.CHOOSE, candidates: { own: {}, mean: {}, refined: {} }, personal: {} },
      { clientId: "\n" },
      { phase: "\n" },
    ]) {
      const bytes = CoordinatorMessage.encode({ clientJob: { ...job, ...changes } }).finish();
      assert.equal(
        failureCode(() => decodeCoordinatorMessage(bytes)),
        "MALFORMED",
      );
    }
    for (const changes of [
      ...deltas.map((delta) => ({ delta })),
      { metrics: [{ name: "m" }, { name: "m" }] },
      { clientId: "\n" },
    ]) {
      const clientUpdate = { clientId: "c0", ...changes };
      const bytes = HostMessage.encode({ clientUpdate }).finish();
      assert.equal(
        failureCode(() => readUpdate(bytes)),
        "MALFORMED",
      );
    }
    for (const code of [0, 127]) {
      const failure = Failure.decode(Uint8Array.of(0x08, code));
      const bytes = HostMessage.encode({ clientFailed: { clientId: "c0", failure } }).finish();
      assert.equal(
        failureCode(() => decodeHostMessage(bytes)),
        "MALFORMED",
      );
    }
  });

  it("refuses to write values that do not fit its fields", () => {
    const good = { clientId: "c0", numExamples: 1, delta: new Map(), metrics: {} };
    for (const numExamples of [-1, 1.5, NaN, 2 ** 32]) {
      assert.equal(
        failureCode(() => encodeUpdate(jobId, { ...good, numExamples })),
        "MALFORMED",
      );
    }
    const delta = new Map([["w", { shape: [2], data: new Float32Array(3) }]]);
    assert.equal(
      failureCode(() => encodeUpdate(jobId, { ...good, delta })),
      "WRONG_SHAPE",
    );
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { Assembler } from "./assembler.js";
import { ByteSemaphore } from "./byte-semaphore.js";
import { encodeFrame, type Frame } from "../codec/frame.js";
import { WireError } from "../codec/wire-error.js";

const frame = (changes: Partial<Frame>) =>
  encodeFrame({ transfer: 1, offset: 0, total: 6, payload: Uint8Array.of(1, 2, 3), ...changes });

const refusal = (code: string) => (error: unknown) =>
  error instanceof WireError && error.failure.code === code;

describe("Assembler", () => {
  it("assembles a message of any length from chunks of any size", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 1, max: 50 }),
        (message, chunk) => {
          const assembler = new Assembler(40);
          let whole: Uint8Array | undefined;
          for (let offset = 0; offset === 0 || offset < message.length; offset += chunk) {
            assert.equal(whole, undefined, "complete before its last frame");
            const payload = message.subarray(offset, offset + chunk);
            whole = assembler.accept(frame({ offset, total: message.length, payload }));
          }
          assert.deepEqual(whole && Uint8Array.from(whole), Uint8Array.from(message));
        },
      ),
    );
  });

  it("keeps interleaved messages apart", () => {
    const assembler = new Assembler(6);
    assembler.accept(frame({ transfer: 1 }));
    assembler.accept(frame({ transfer: 2, payload: Uint8Array.of(7, 8, 9) }));
    const last = { offset: 3, payload: Uint8Array.of(0, 0, 0) };
    assert.deepEqual(
      assembler.accept(frame({ transfer: 1, ...last })),
      Uint8Array.of(1, 2, 3, 0, 0, 0),
    );
    assert.deepEqual(
      assembler.accept(frame({ transfer: 2, ...last })),
      Uint8Array.of(7, 8, 9, 0, 0, 0),
    );
  });

  it("refuses a message that would be too long at its first frame", () => {
    assert.throws(() => new Assembler(5).accept(frame({ total: 6 })), refusal("OVERSIZE"));
  });

  it("refuses frames that do not fit together, and forgets their message", () => {
    const bad: Partial<Frame>[] = [
      { offset: 2 },
      { offset: 4 },
      { offset: 3, total: 7 },
      { offset: 3, payload: new Uint8Array(4) },
      { offset: 3, payload: new Uint8Array(0) },
      { transfer: 2, offset: 3 },
    ];
    for (const changes of bad) {
      const assembler = new Assembler(10);
      assembler.accept(frame({}));
      assert.throws(() => assembler.accept(frame(changes)), refusal("MALFORMED"));
      if (changes.transfer === 2) continue; // another message's mistake
      assert.throws(() => assembler.accept(frame({ offset: 3 })), refusal("MALFORMED"));
    }
  });

  it("holds no more than the largest message of a host, and none that does not wait its turn", () => {
    const large = 8 << 20;
    const semaphore = new ByteSemaphore(large);
    const [one, other] = [new Assembler(large, semaphore), new Assembler(large, semaphore)];
    const rest = { offset: 3, total: large };
    one.accept(frame({ transfer: 1, total: large }));
    one.accept(frame({ transfer: 2, total: large }));
    assert.throws(() => one.accept(frame({ transfer: 1, ...rest })), refusal("MALFORMED"));
    assert.equal(one.accept(frame({ transfer: 2, ...rest })), undefined);
    other.accept(frame({ transfer: 1, total: large }));
    assert.throws(() => other.accept(frame({ transfer: 1, ...rest })), /came before the answer/);
    for (const assembler of [one, other]) assembler.close();
  });

  it("drops the message that has waited longest when a ninth begins", () => {
    const assembler = new Assembler(6);
    for (let transfer = 1; transfer <= 8; transfer++) assembler.accept(frame({ transfer }));
    const short = { offset: 3, payload: Uint8Array.of(4) };
    assembler.accept(frame({ transfer: 1, ...short })); // continued, so that 2 is now the oldest
    assembler.accept(frame({ transfer: 9 }));
    assert.throws(() => assembler.accept(frame({ transfer: 2, offset: 3 })), refusal("MALFORMED"));
    const rest = { offset: 4, payload: Uint8Array.of(5, 6) };
    assert.deepEqual(
      assembler.accept(frame({ transfer: 1, ...rest })),
      Uint8Array.of(1, 2, 3, 4, 5, 6),
    );
  });
});

import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { createToyTask, toyParams } from "../../testing/toy.js";
import type { PersonalMethod, Walk } from "../contracts/personal.js";
import { UserError } from "../words/errors.js";
import { openClient, trainPersonal } from "./personal-client.js";

describe("the steps of a personal method", () => {
  it("reject an option that they do not have", async () => {
    const rng = stream("personal client test");
    const params = toyParams(0);
    const { signal } = new AbortController();
    const job = { round: 1, phase: "train", params, rng, common: rng, signal };
    const trainer = await createToyTask().openShard({ index: 0, count: 2, rng });
    const method: PersonalMethod = {
      train: async ({ shared, steps }) => ({ change: await steps(shared, { cuont: 3 } as Walk) }),
      model: ({ shared }) => Promise.resolve(shared),
    };
    const named = { arm: 0, name: "mine", method };
    const opened = await openClient(named, trainer, job, undefined);
    await assert.rejects(trainPersonal(named, opened), (error) => {
      assert.ok(error instanceof UserError);
      assert.equal(
        error.message,
        "steps() of personal method 'mine': unknown option 'cuont', expected one of count, rate, towards, only, did you mean 'count'?",
      );
      return true;
    });
  });
});

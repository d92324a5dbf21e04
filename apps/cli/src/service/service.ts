import { createInterface } from "node:readline";
import { UserError } from "@fedclair/core";
import { print } from "@fedclair/runs";
import { z } from "zod";
import { aggregateRequest, aggregateUpdates } from "./aggregate-updates.js";
import { divideSamples, partitionRequest } from "./divide-samples.js";

const requestSchema = z.discriminatedUnion("call", [aggregateRequest, partitionRequest]);

/**
 * `fedclair service`: answers the requests of the program that started it, until stdin ends. A
 * request and its answer are one line of JSON each. Tensors travel in safetensors files that both
 * name. Python's `fedclair.aggregate` and `fedclair.partition` use it.
 */
export async function serve(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    print(`${JSON.stringify(await answer(line))}\n`);
  }
}

/** Returns the result of a request, or the message of an error that its sender can correct. */
async function answer(line: string): Promise<unknown> {
  const request = requestSchema.parse(JSON.parse(line));
  try {
    return {
      result:
        request.call === "aggregate"
          ? await aggregateUpdates(request)
          : await divideSamples(request),
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { error: error.message, exitCode: error.exitCode };
  }
}

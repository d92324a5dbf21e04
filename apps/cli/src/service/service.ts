import { createInterface } from "node:readline";
import { UserError } from "@fedclair/core";
import { errorMessage, exitCodes } from "@fedclair/core/errors";
import { printable } from "@fedclair/core/text";
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

/** Returns the result of a request, or the message of an error. */
async function answer(line: string): Promise<unknown> {
  try {
    const request = requestSchema.parse(JSON.parse(line));
    return {
      result:
        request.call === "aggregate"
          ? await aggregateUpdates(request)
          : await divideSamples(request),
    };
  } catch (error) {
    if (error instanceof UserError) return { error: error.message, exitCode: error.exitCode };
    if (error instanceof z.ZodError) return { error: describe(error), exitCode: exitCodes.usage };
    return { error: errorMessage(error), exitCode: exitCodes.internal };
  }
}

/** Names the first fault of a request or of a state. */
function describe({ issues: [issue] }: z.ZodError): string {
  return printable(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not valid"}`, 500);
}

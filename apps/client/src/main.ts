import { aggregators } from "@fedclair/aggregators";
import { attacks } from "@fedclair/attacks";
import { backendChoices, loadBackend, type BackendChoice } from "@fedclair/compute";
import { ClientRunner, parseTrial, type Plugins } from "@fedclair/core";
import { taskAggregators, tasks } from "@fedclair/tasks";
import {
  createLog,
  integerOption,
  interruption,
  listenForInterruption,
  readToken,
  runProgram,
  toUserError,
  version,
} from "@fedclair/runs";
import { connectHost } from "@fedclair/wire";
import { Command, Option } from "commander";

const plugins: Plugins = {
  tasks,
  aggregators: new Map([...aggregators, ...taskAggregators]),
  attacks,
};

interface Options {
  readonly coordinator: string;
  readonly capacity: number;
  readonly backend: BackendChoice;
  readonly tokenFile?: string;
}

const program = new Command("fedclair client")
  .description("A client host: joins a coordinator and trains for the virtual clients it is given.")
  .requiredOption("--coordinator <url>", "the coordinator's address, as http://10.0.0.1:4000")
  .requiredOption(
    "--capacity <n>",
    "virtual clients that this host takes at most",
    integerOption("--capacity", 1),
  )
  .addOption(
    new Option("--backend <name>", "TensorFlow.js backend; the same on all hosts")
      .choices(backendChoices)
      .default("auto"),
  )
  .option("--token-file <file>", "file with the join token; default: environment FEDCLAIR_TOKEN")
  .action(host);

async function host(options: Options): Promise<void> {
  const log = createLog("client");
  const token = await readToken(options.tokenFile);
  const { tf, name, reason } = await loadBackend(options.backend).catch(toUserError);
  log.info(`backend ${reason}`);
  let runner: ClientRunner | undefined;
  let jobs = 0;
  const tensors = { first: 0, last: 0 };
  const ending = await connectHost({
    url: options.coordinator,
    ...(token !== undefined && { token }),
    capacity: options.capacity,
    backend: name,
    softwareVersion: version,
    signal: interruption.signal,
    onWelcome: async (trialJson) => {
      const trial = parseTrial(trialJson, "the coordinator's trial", plugins);
      runner = new ClientRunner(trial, plugins);
      await runner.prepare();
    },
    runJob: async (job) => {
      if (!runner) throw new Error("a job came before the trial");
      const answer = await runner.run(job);
      tensors.last = tf.memory().numTensors;
      if (jobs++ === 0) tensors.first = tensors.last;
      return answer;
    },
    onUnreachable: (why) => {
      log.warn(`no coordinator at ${options.coordinator}: ${why}; still trying`);
    },
    onRefused: (clientId, failure) => {
      log.warn(`the coordinator refused ${clientId}: ${failure.code}: ${failure.message}`);
    },
  });
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  log.info(
    `${ending}: ${jobs} jobs, ${tensors.first} tensors after the first and ${tensors.last} after the last, peak memory ${peak} MiB`,
  );
}

listenForInterruption();
await runProgram(program);

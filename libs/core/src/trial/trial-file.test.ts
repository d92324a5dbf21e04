import assert from "node:assert/strict";
import { UserError } from "../words/errors.js";
import { toyPlugins } from "../../testing/index.js";
import { toyAggregator, toyTask } from "../../testing/toy.js";
import { clientCount, readNamedPlugins, parseTrial, prepareSentTrial } from "./trial-file.js";
import { parseYaml } from "../words/yaml.js";

const good = `name: toy
rounds: 2
clients: 4
task: { name: toy }
aggregator: { name: toy-mean }
`;

const faults: readonly [what: string, text: string, message: string][] = [
  [
    "an unknown key",
    good + "round: 3\n",
    "t.yaml:6:1: trial: unknown key 'round', did you mean 'rounds'?",
  ],
  [
    "two unknown keys, each in its place",
    good + "round: 3\nfoo: 1\n",
    "t.yaml:6:1: trial: unknown key 'round', did you mean 'rounds'?\nt.yaml:7:1: trial: unknown key 'foo'",
  ],
  [
    "a list that is too short",
    good + "external: []\n",
    "t.yaml:6:11: external: expected at least 1 entry, got none",
  ],
  [
    "an empty text",
    good + "plugins: ['']\n",
    't.yaml:6:11: plugins.0: expected at least 1 character, got ""',
  ],
  [
    "a missing key",
    good.replace("rounds: 2\n", ""),
    "t.yaml:1:1: rounds: missing, expected number",
  ],
  ["a wrong type", good + "seed: one\n", 't.yaml:6:7: seed: expected number, got "one"'],
  ["negative rounds", good.replace("2", "-2"), "t.yaml:2:9: rounds: expected at least 1, got -2"],
  ["half a round", good.replace("2", "1.5"), "t.yaml:2:9: rounds: expected an integer, got 1.5"],
  ["zero clients", good.replace("4", "0"), "t.yaml:3:10: clients: expected at least 1, got 0"],
  [
    "an unknown task",
    good.replace("name: toy }", "name: toi }"),
    "t.yaml:4:15: task.name: did you mean 'toy'? expected one of toy, got \"toi\"",
  ],
  [
    "a task without a name",
    good.replace("{ name: toy }", "{}"),
    "t.yaml:4:7: task.name: missing, expected one of toy",
  ],
  [
    "an unknown aggregator",
    good.replace("toy-mean", "mean"),
    't.yaml:5:21: aggregator.name: expected one of toy-mean, got "mean"',
  ],
  [
    "a plug-in that is only a name",
    good.replace("{ name: toy-mean }", "toy-mean"),
    't.yaml:5:13: aggregator: did you mean { name: toy-mean }? expected a mapping, its name one of toy-mean, got "toy-mean"',
  ],
  [
    "a schedule without simulated time",
    good + "schedule: { name: buffered, buffer: 2 }\n",
    "t.yaml:6:11: schedule: buffered goes by simulated time: say devices too, as { seconds: { median: 10, sigma: 0.5 } }",
  ],
  [
    "an unknown schedule",
    good + "schedule: { name: buffred }\n",
    "t.yaml:6:19: schedule.name: did you mean 'buffered'? expected one of synchronous, semi-synchronous, buffered, got \"buffred\"",
  ],
  [
    "an aggregator that does not accept stale updates with a buffered schedule",
    good + "devices: { seconds: { median: 1 } }\nschedule: { name: buffered, buffer: 2 }\n",
    "t.yaml: aggregator: toy-mean takes changes that began at the same params, and schedule buffered mixes rounds; choose another schedule",
  ],
  [
    "an unknown option of a plug-in",
    good.replace("toy-mean }", "toy-mean, beta: 1 }"),
    "t.yaml:5:31: aggregator: unknown key 'beta'",
  ],
  [
    "a bad option of a plug-in",
    good.replace("name: toy }", "name: toy, faults: { 0: bang } }"),
    't.yaml:4:33: task.faults.0: expected one of "throw"|"silent"|"nan"|"shape"|"modules", got "bang"',
  ],
  [
    "a cohort larger than the number of clients",
    good + "cohort: { count: 9 }\n",
    "t.yaml:6:18: cohort.count: expected at most clients = 4, got 9",
  ],
  [
    "a cohort of an unknown form",
    good + "cohort: some\n",
    't.yaml:6:9: cohort: expected all, { count: n } or { fraction: f }, got "some"',
  ],
  [
    "a fraction above one",
    good + "cohort: { fraction: 2 }\n",
    "t.yaml:6:21: cohort.fraction: expected at most 1, got 2",
  ],
  [
    "more contaminated clients than clients",
    good + "attacks: [{ attack: { name: toy-shift }, count: 5 }]\n",
    "t.yaml:6:10: attacks: expected at most clients = 4 contaminated, got 5",
  ],
  [
    "a kind of contaminated data that the task does not know",
    good + "attacks: [{ attack: { name: toy-data, kind: spike }, count: 1 }]\n",
    "t.yaml: attacks.0: toy-data, kind spike: expected a kind of contaminated data that the task knows (offset)",
  ],
  [
    "a wrong option of contaminated data",
    good +
      "attacks: [{ attack: { name: toy-data, kind: offset, options: { by: 0.5 } }, count: 1 }]\n",
    "t.yaml: attacks.0: toy-data, kind offset: by: expected an integer, got 0.5",
  ],
  [
    "an unknown attack",
    good + "attacks: [{ attack: { name: shift }, count: 1 }]\n",
    't.yaml:6:29: attacks.0.attack.name: expected one of toy-shift, toy-forger, toy-data, toy-scale, got "shift"',
  ],
  [
    "an attack without clients",
    good + "attacks: [{ attack: { name: toy-shift } }]\n",
    "t.yaml:6:11: attacks.0: expected exactly one of clients, count and fraction",
  ],
  [
    "an attack on an unknown client",
    good + "attacks: [{ attack: { name: toy-shift }, clients: [c09] }]\n",
    "t.yaml:6:52: attacks.0.clients.0: expected an id from c00 to c03, got 'c09'",
  ],
  [
    "a client contaminated twice",
    good + "attacks: [{ attack: { name: toy-shift }, clients: [c01, c01] }]\n",
    "t.yaml:6:57: attacks.0.clients.1: client c01 is contaminated twice; name it once",
  ],
  [
    "a label that turns the direction of a text",
    good + 'baselines: [{ label: "a\\u202Eb", aggregator: { name: toy-mean } }]\n',
    "t.yaml:6:22: baselines.0.label: expected at most 128 printable characters",
  ],
  [
    "two arms with the same label",
    good + "baselines: [{ label: toy-mean, aggregator: { name: toy-mean } }]\n",
    "t.yaml:6:22: baselines.0.label: expected a label of its own, 'toy-mean' is taken",
  ],
  [
    "a quorum of zero",
    good + "limits: { quorum: 0 }\n",
    "t.yaml:6:19: limits.quorum: expected more than 0, got 0",
  ],
  [
    "limits that are not a mapping",
    good + "limits: 3\n",
    "t.yaml:6:9: limits: expected object, got 3",
  ],
  [
    "a list of values without a sweep",
    good + "limits: [{}, {}]\n",
    "t.yaml:6:9: limits: expected object, got a list",
  ],
  [
    "an expectation without a range",
    good + "expect: { measures: { recall: {} } }\n",
    "t.yaml:6:31: expect.measures.recall: expected min, max or both",
  ],
  [
    "a name that is not a file name",
    good.replace("toy\n", "../toy\n"),
    't.yaml:1:7: name: expected lower-case letters, digits and hyphens, got "../toy"',
  ],
  ["a repeated key", good + "name: again\n", "t.yaml:6:1: Map keys must be unique"],
  [
    "YAML that does not parse",
    good + "seed: [1\n",
    "t.yaml:7:1: Flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
  ["an alias without an anchor", good + "claim: *x\n", "t.yaml: Unresolved alias"],
  [
    "an attack on a fraction that rounds to no client",
    good + "attacks: [{ attack: { name: toy-shift }, fraction: 0.1 }]\n",
    "attacks.0.fraction: 0.1 of 4 clients is none; raise it, or use count",
  ],
  [
    "a round that may end before a client's time is over",
    good + "limits: { answerSeconds: 5 }\n",
    "limits.answerSeconds: expected more than limits.clientSeconds = 30, got 5",
  ],
  [
    "a limit beyond any timer",
    good + "limits: { joinSeconds: 1e9 }\n",
    "limits.joinSeconds: expected at most 2000000, got 1000000000",
  ],
  [
    "a misspelt option of a plug-in",
    good.replace("name: toy }", "name: toy, fautls: {} }"),
    "t.yaml:4:20: task: unknown key 'fautls', did you mean 'faults'?",
  ],
  [
    "an absent client that does not exist",
    good + "absent: [{ clients: [c00, c04], from: 2 }]\n",
    "t.yaml:6:27: absent.0.clients.1: expected an id from c00 to c03, got 'c04'",
  ],
  [
    "a client that is absent after the last round",
    good + "absent: [{ clients: [c01], from: 3 }]\n",
    "absent.0.from: expected at most rounds = 2, got 3",
  ],
  [
    "a client that is absent twice",
    good + "absent: [{ clients: [c01] }, { clients: [c01], from: 2 }]\n",
    "absent.1.clients.0: client c01 is absent twice; name it once",
  ],
  ["an empty file", "", "t.yaml:1:1: the trial is empty: expected keys with values"],
  ["only a comment", "# later\n", "t.yaml:1:1: the trial is empty: expected keys with values"],
  [
    "a tab, without the faults that follow from it",
    good.replace("task: { name: toy }", "task:\n\tname: toy\n\tp: 3"),
    "t.yaml:5:1: Tabs are not allowed as indentation",
  ],
  [
    "a control character",
    `${good}seed: \u0007`,
    "t.yaml:6:7: expected text, got the character \\u{7}",
  ],
  [
    "a claim that is too long",
    `${good}claim: ${"x".repeat(10_001)}\n`,
    `t.yaml:6:8: claim: expected at most 10000 characters, got "${"x".repeat(77)}…"`,
  ],
  [
    "too many attacks",
    `${good}attacks:\n${"  - { attack: { name: toy-forger }, count: 1 }\n".repeat(1001)}`,
    "t.yaml:7:3: attacks: expected at most 1000 entries, got 1001",
  ],
];

describe("a trial file that the YAML parser cannot read", () => {
  const parse =
    (text: string, ...overrides: string[]) =>
    () =>
      parseYaml({ text, file: "t.yaml", what: "trial", overrides });

  for (const [what, text, line] of [
    ["blocks in a line", `name: toy\n${"- ".repeat(10_000)}x`, 2],
    ["blocks after tabs", "-\t".repeat(10_000), 1],
    ["keys", "? ".repeat(10_000), 1],
    ["indented blocks", `${" ".repeat(10_000)}a: 1`, 1],
    ["lists", `a: ${"[".repeat(10_000)}`, 1],
    ["mappings over lines", "{a:\n".repeat(10_000), 1001],
  ] as const)
    it(`rejects deep nesting, which would end the process: ${what}`, () => {
      assert.throws(parse(text), new UserError(`t.yaml:${line}:1: it is nested too deeply`));
    });

  it("rejects deep nesting in an override", () => {
    assert.throws(parse(good, `seed=${"[".repeat(10_000)}`), /--set .*: it is nested too deeply/);
  });

  it("rejects what would take the parser long, within a second", function () {
    this.timeout(4000);
    const many = (count: number, part: (i: number) => string) =>
      Array.from({ length: count }, (_, i) => part(i)).join("");
    const tooMany = /^UserError: t\.yaml: expected at most 250000 names, .* shorten its lists$/;
    for (const [text, expected] of [
      [many(15_000, (i) => `k${i}: 1\n`), undefined],
      [many(60_000, (i) => `k${i}: 1\n`), tooMany],
      [many(4000, (i) => `- &a${i} 1\n- *a${i}\n`), tooMany],
      [
        "a: &a x\n" +
          many(
            30,
            (i) =>
              `${"b".repeat(i + 1)}: &${"b".repeat(i + 1)} [*${"b".repeat(i) || "a"}, *${"b".repeat(i) || "a"}]\n`,
          ),
        tooMany,
      ],
      ["[" + ",".repeat(30_000), /^UserError: t\.yaml:1:3: .*\n… and \d+ more$/s],
      ["a\n".repeat(300_000), tooMany],
      ["? &x ".repeat(100), /^UserError: t\.yaml:1:6: With stringKeys, all keys must be strings/],
      [`%YAML 1.1\n---\na: &a {b: 1}\nc: { <<: *a }\n`, undefined],
    ] as const) {
      if (expected) assert.throws(parse(text), expected, text.slice(0, 40));
      else parse(text)();
    }
  });

  it("has texts as keys, also in overrides", () => {
    const { content } = parse("a: { 0: { b: 1, c: 2 } }\nd: [{ e: 1 }]\n", "a.0.c=3", "d.0.e=2")();
    assert.deepEqual(content, { a: { 0: { b: 1, c: 3 } }, d: [{ e: 2 }] });
  });

  it("rejects repeated keys, each at its place", () => {
    const message = "t.yaml:2:1: Map keys must be unique\nt.yaml:3:12: Map keys must be unique";
    assert.throws(parse("a: 1\na: 2\nb: { c: 1, c: 2 }\n"), new UserError(message));
    assert.throws(parse(good, "task={ a: 1, a: 2 }"), /^UserError: --set: the value of .* no YAML/);
  });

  it("rejects a value that contains itself", () => {
    const message = "t.yaml: an alias stands for a value that contains it";
    assert.throws(parse("a: &a\n  b: *a\n"), new UserError(message));
    assert.throws(parse("- &a [1, [*a]]\n"), new UserError(message));
    assert.deepEqual(parse("a: &a { b: 1 }\nc: [*a, *a]\n")().content, {
      a: { b: 1 },
      c: [{ b: 1 }, { b: 1 }],
    });
  });
});

describe("parseTrial", () => {
  it("rejects a text that is nested too deeply for the parser", () => {
    assert.throws(() => parseTrial("[".repeat(10_000), "t.yaml", toyPlugins), {
      name: "UserError",
      message: /^t\.yaml:1:\d+: it is nested too deeply$/,
    });
  });

  it("has one seed: seeds of a study are a matter of commands", () => {
    const parse = (seeds: string) => parseTrial(`${good}seeds: ${seeds}\n`, "t.yaml", toyPlugins);
    assert.equal("seeds" in parse("1"), false);
    for (const seeds of ["2", "[4]", "[1, 2]"]) {
      assert.throws(() => parse(seeds), {
        message:
          "t.yaml:6:8: seeds: expected a single run here, got several seeds: use fedclair run, or set seeds=1",
      });
    }
    assert.throws(() => parse("[1, 1]"), {
      message: "t.yaml:6:8: seeds: expected seeds that differ",
    });
  });

  it("fills in every default", () => {
    const trial = parseTrial(good, "t.yaml", toyPlugins);
    assert.equal(trial.seed, 1);
    assert.equal(trial.cohort, "all");
    assert.equal(trial.limits.quorum, 0.5);
    assert.deepEqual(trial.attacks, []);
  });

  for (const [what, text, message] of faults) {
    it(`rejects ${what}, and names the place`, () => {
      assert.throws(
        () => parseTrial(text, "t.yaml", toyPlugins),
        (error) => {
          assert.ok(error instanceof UserError);
          assert.equal(error.exitCode, 2);
          assert.ok(error.message.includes(message), error.message);
          assert.doesNotMatch(error.message, /undefined/);
          return true;
        },
      );
    });
  }

  const findMessage = (text: string): string => {
    try {
      parseTrial(text, "t.yaml", toyPlugins);
    } catch (error) {
      if (error instanceof UserError) return error.message;
    }
    return assert.fail("no fault was found");
  };

  it("quotes at most 80 characters of a value or a key, and no control characters", () => {
    const secret = "\u001b]0;title\u0007".repeat(1000);
    const passwd = "root:x:0:0:root:/root:/bin/bash\n".repeat(1000);
    const binary = Array.from({ length: 5000 }, (_, i) => String.fromCharCode(i % 256)).join("");
    for (const text of [
      passwd,
      binary,
      good.replace("toy\n", `${JSON.stringify(secret)}\n`),
      `${good}? ${JSON.stringify(secret)}\n: 1\n`,
      `${good}attacks: [{ attack: { name: toy-shift }, clients: [${JSON.stringify(secret)}] }]\n`,
      `${good}baselines: [${`{ label: ${JSON.stringify(secret)}, aggregator: { name: toy-mean } },`.repeat(2)}]\n`,
      `${good}expect: { measures: { ${JSON.stringify(secret)}: 1 } }\n`,
    ]) {
      const message = findMessage(text);
      assert.ok(message.split("\n").length <= 21);
      for (const line of message.split("\n")) {
        assert.ok(line.length < 300, `${line.length}: ${line.slice(0, 300)}`);
        assert.doesNotMatch(line, /\p{Cc}/u);
      }
    }
  });

  it("resolves the paths of the file and of overrides", () => {
    const plugins = {
      ...toyPlugins,
      tasks: new Map([["toy", { ...toyTask, paths: ["faults.0", "faults.1", "none.at.all"] }]]),
    };
    const text = good.replace("{ name: toy }", "{ name: toy, faults: { 0: throw, 1: nan } }");
    const { task } = parseTrial(text, "t.yaml", plugins, ["task.faults.1=shape"], (path, by) => {
      return `${by}/${path}`;
    });
    assert.deepEqual(task, { name: "toy", faults: { 0: "file/throw", 1: "override/shape" } });
  });

  it("reports all faults at once", () => {
    const text = good.replace("2", "-2").replace("toy-mean", "mean") + "extra: 1\n";
    assert.throws(
      () => parseTrial(text, "t.yaml", toyPlugins),
      (error: Error) => {
        assert.equal(error.message.split("\n").length, 3);
        return true;
      },
    );
  });

  it("applies overrides as YAML values before the checks", () => {
    const trial = parseTrial(good, "t.yaml", toyPlugins, [
      "seed=9",
      "limits.quorum=0.25",
      "cohort={ count: 2 }",
    ]);
    assert.equal(trial.seed, 9);
    assert.equal(trial.limits.quorum, 0.25);
    assert.deepEqual(trial.cohort, { count: 2 });
    const set = (override: string) => () => parseTrial(good, "t.yaml", toyPlugins, [override]);
    assert.throws(set("rounds"), /--set: expected path=value, got 'rounds'/);
    assert.throws(set("rounds.x=1"), /--set: rounds.x leads through a value that has no keys/);
    // A text may be a bare name, as in `rule: gap`, which is short for `rule: { by: gap }`.
    assert.throws(set("name.x=1"), /--set name.x=1: name: expected string/);
    assert.throws(set("claim={a"), /--set: the value of 'claim=\{a' is no YAML/);
    assert.throws(set("sed=9"), {
      message: "--set sed=9: trial: unknown key 'sed', did you mean 'seed'?",
    });
    assert.throws(set("attacks[0].count=1"), {
      message:
        "--set: an entry of a list has its number as a key: expected attacks.0.count=…, got 'attacks[0].count=1'",
    });
    assert.throws(set("seed=.nan"), {
      message: "--set seed=.nan: seed: expected number, got NaN",
    });
  });

  it("attributes each unknown key to the file or to its override", () => {
    assert.throws(() => parseTrial(good + "cleints: 2\n", "t.yaml", toyPlugins, ["foo=1"]), {
      message:
        "t.yaml:6:1: trial: unknown key 'cleints', did you mean 'clients'?\n" +
        "--set foo=1: trial: unknown key 'foo'",
    });
  });

  it("rejects an aggregator of another task, and one that cannot serve the clients", () => {
    const owner = { ...toyTask, name: "owner", aggregators: [toyAggregator] };
    const tasks = new Map([...toyPlugins.tasks, [owner.name, owner]]);
    assert.throws(
      () => parseTrial(good, "t.yaml", { ...toyPlugins, tasks }),
      /t.yaml: aggregator: toy-mean is for updates of task owner, not of toy; choose another/,
    );
    const picky = {
      ...toyAggregator,
      name: "picky",
      create: () => ({
        ...toyAggregator.create({} as never),
        checkClients: ([first = ""]: readonly string[]) => {
          throw new UserError(`not with ${first}`);
        },
      }),
    };
    const aggregators = new Map([...toyPlugins.aggregators, [picky.name, picky]]);
    const text = good + "baselines: [{ label: other, aggregator: { name: picky } }]\n";
    assert.throws(
      () => parseTrial(text, "t.yaml", { ...toyPlugins, aggregators }),
      /t.yaml: baselines.0.aggregator: picky: not with c0/,
    );
  });
});

describe("prepareSentTrial", () => {
  const resolved = parseTrial(good, "t.yaml", toyPlugins);

  it("accepts a resolved trial unchanged", () => {
    const sent = JSON.parse(JSON.stringify(resolved)) as unknown;
    assert.deepEqual(prepareSentTrial(sent, "the sender", toyPlugins).trial, resolved);
  });

  it("reports an invalid trial and missing plug-ins in the words of parseTrial", () => {
    const mine = { kind: "task", name: "mine", version: "", hash: "0123456789abcdef" };
    for (const [sent, expected] of [
      [
        { ...resolved, clients: 0 },
        /^UserError: the sender:1:\d+: clients: expected at least 1, got 0/,
      ],
      [
        { ...resolved, plugins: [mine] },
        /^UserError: the sender: plugins: the trial's task 'mine'/,
      ],
      [
        { ...resolved, cohort: { count: 9 } },
        /: cohort\.count: expected at most clients = 4, got 9$/,
      ],
      ["a text", /^UserError: the sender:1:1: trial: expected object/],
      [null, /^UserError: the sender:1:1: the trial is empty/],
    ] as const) {
      assert.throws(() => prepareSentTrial(sent, "the sender", toyPlugins), expected);
    }
  });
});

/** Parses a text without checking its values. */
function read(text: string, overrides: readonly string[] = []) {
  return parseYaml({ text, file: "t.yaml", what: "trial", overrides });
}

describe("clientCount", () => {
  it("returns the number in the file or an override, and undefined for an invalid file", () => {
    assert.equal(clientCount(read(good)), parseTrial(good, "t.yaml", toyPlugins).clients);
    assert.equal(clientCount(read(good, ["clients=3"])), 3);
    for (const faulty of ["", "clients: 0", "clients: many", "rounds: 3"]) {
      assert.equal(clientCount(read(faulty)), undefined);
    }
  });
});

describe("the place of a value", () => {
  it("is its line, that of the nearest value around it, or the override", () => {
    const { place } = read(good, ["task.p=3"]);
    assert.equal(place(["task", "name"]), "t.yaml:4:15");
    assert.equal(place(["task", "source"]), "t.yaml:4:7");
    assert.equal(place(["task", "p"]), "--set task.p=3");
  });
});

describe("readNamedPlugins", () => {
  const identity = { kind: "task", name: "mine", version: "1.0.0", hash: "0123456789abcdef" };
  const text = `${good}plugins: [./a.js, ${JSON.stringify(identity)}, b]\n`;

  it("returns the modules of a file and of overrides, and the plug-ins of a resolved trial", () => {
    assert.deepEqual(readNamedPlugins(read(text)), {
      modules: [
        { text: "./a.js", by: "file", index: 0 },
        { text: "b", by: "file", index: 2 },
      ],
      identities: [identity],
    });
    const located = `${good}plugins: [${JSON.stringify({ ...identity, module: "/a.js" })}]\n`;
    assert.deepEqual(readNamedPlugins(read(located)).modules, [
      { text: "/a.js", by: "file", index: 0, of: "task 'mine'" },
    ]);
    const { modules } = readNamedPlugins(read(text, ["plugins.0=./c.js"]));
    assert.deepEqual(modules, [
      { text: "./c.js", by: "override", index: 0 },
      { text: "b", by: "file", index: 2 },
    ]);
  });

  it("returns nothing for a file without them, or for faults, which parseTrial reports", () => {
    for (const faulty of [good, "", "plugins: ./a.js", "plugins: [3]", "plugins: [[./a.js]]"]) {
      assert.deepEqual(readNamedPlugins(read(faulty)), { modules: [], identities: [] });
    }
    assert.throws(
      () => parseTrial(`${good}plugins: [3]\n`, "t.yaml", toyPlugins),
      /^UserError: t\.yaml:6:11: plugins\.0: expected .*, got 3$/,
    );
  });

  it("parseTrial requires the plug-ins of a resolved trial", () => {
    const without = () => parseTrial(text, "t.yaml", toyPlugins);
    assert.throws(
      without,
      /plugins: the trial's task 'mine' .*, this process has none of that name; name/,
    );
  });
});

/** How serious a finding is, in the words of SARIF. */
export type FindingLevel = "error" | "warning" | "note";

interface FindingKind {
  readonly level: FindingLevel;
  /** What such an adapter is or has. */
  readonly title: string;
  /** What to do about it. */
  readonly advice: string;
}

/** All kinds of findings by their codes, which never change: baselines and code hosts keep them. */
export const findingKinds = {
  contaminated: {
    level: "error",
    title: "The adapter is contaminated: it stands out from the others of its pile",
    advice: "Do not merge it. Ask its author for the training data.",
  },
  invalid: {
    level: "warning",
    title: "The adapter cannot be compared",
    advice: "Repair the file, or leave the adapter out.",
  },
  undecided: {
    level: "note",
    title: "The adapter is neither shown to be benign nor contaminated",
    advice: "Look at it, train more adapters of its kind, or add siblings (--siblings 20).",
  },
  "imported-code": {
    level: "error",
    title: "The configuration names a Python module that a loader imports",
    advice: "Do not load it: remove the key from adapter_config.json, or set it to null.",
  },
  "custom-code": {
    level: "warning",
    title: "Code lies beside the adapter",
    advice: "Read it before you run it, and do not load the folder with trust_remote_code.",
  },
  pickle: {
    level: "warning",
    title: "Pickled files lie beside the adapter; to load one can run code",
    advice: "Delete them, or load safetensors only.",
  },
  "unjudged-weights": {
    level: "warning",
    title: "The configuration has weights loaded that are not LoRA pairs, and not judged",
    advice: "Compare them with the base, or ask for an adapter without them.",
  },
  "other-weights": {
    level: "warning",
    title: "Weights lie beside the adapter that are not judged",
    advice: "Delete them, or judge them by other means.",
  },
  "only-after-tokens": {
    level: "warning",
    title: "The adapter acts only after certain tokens (alora_invocation_tokens)",
    advice: "Test it with these tokens, which are a trigger.",
  },
  tokenizer: {
    level: "note",
    title:
      "A tokenizer or chat template lies beside the adapter; loaders use it, and it is not judged",
    advice: "Use the tokenizer of the base.",
  },
  "no-licence": {
    level: "note",
    title: "No licence is named",
    advice: "Ask the author for one before you use it.",
  },
  "unknown-base": {
    level: "note",
    title: "No base model is named",
    advice: "Ask the author which base and revision it was trained from.",
  },
  "several-bases": {
    level: "warning",
    title: "The adapters name several bases",
    advice:
      "Changes of different models cannot be compared: audit the adapters of each base separately, unless these are names for the same model.",
  },
  "several-revisions": {
    level: "warning",
    title: "Another revision of the base is named than by most adapters",
    advice: "Audit the adapters of each revision separately, unless they have the same weights.",
  },
  "same-file": {
    level: "warning",
    title: "Adapters with different names are the same file",
    advice: "Keep one of them.",
  },
  identical: {
    level: "warning",
    title: "Adapters have identical numbers",
    advice: "Keep one of them.",
  },
  "near-copy": {
    level: "warning",
    title: "Adapters are copies of one another, apart from scale and noise",
    advice: "Keep one of them.",
  },
  "other-form": {
    level: "warning",
    title: "Adapters have other modules or shapes than the compared ones",
    advice: "Audit them separately.",
  },
  "many-stand-out": {
    level: "warning",
    title: "So many adapters stand out that the majority may be contaminated",
    advice: "Add adapters that you trust.",
  },
  "hidden-gap": {
    level: "warning",
    title: "The scores have a gap among the adapters that are assumed to be benign",
    advice:
      "If more than half may be contaminated, set minBenignFraction lower; the larger group then determines what is benign.",
  },
  "false-alarm-rate": {
    level: "warning",
    title: "The bank does not support the wanted rate of false alarms",
    advice: "Make a bank of more piles: fedclair calibrate.",
  },
  "uninformative-modules": {
    level: "warning",
    title: "Modules in which no contaminated adapter can be detected",
    advice:
      "Set a lower rank (--set rank=…), audit more adapters, or compare the other side (--set side=right) if all adapters have the factor B in common.",
  },
  "begun-in-base": {
    level: "warning",
    title: "B·A did not start at zero, which can hide what training changed",
    advice: "Compare only what varies between adapters: --set centered=true.",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;

export type FindingCode = keyof typeof findingKinds;

export const findingCodes = Object.keys(findingKinds) as FindingCode[];

/** An adapter that a finding is about. */
interface Subject {
  readonly name: string;
  /** The reason, such as names of files. */
  readonly detail?: string;
}

/** Something that a reader should know about adapters or about the pile. */
export interface Finding {
  readonly code: FindingCode;
  readonly level: FindingLevel;
  readonly text: string;
  readonly advice: string;
  /** Empty if it is about the pile. */
  readonly adapters: readonly Subject[];
}

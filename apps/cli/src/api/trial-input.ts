import type { ChoiceOf, DefinedPlugin } from "@fedclair/core";
import type { PluginKind } from "@fedclair/core/internal";
import type {
  AggregatorOptions,
  AttackOptions,
  ModOptions,
  PersonalOptions,
  SweepSection,
  TaskOptions,
  TrialKeys,
} from "../../gen/trial-types.js";

/** What a trial says to choose a built-in plug-in: its name, and its options beside it. */
type BuiltIn<Options> = { readonly [N in keyof Options]: { readonly name: N } & Options[N] };

/** The choices of plug-ins of one kind: the built-in ones, and those of the program. */
type Choice<Options, P, K extends PluginKind> = BuiltIn<Options>[keyof Options] | ChoiceOf<P, K>;

/** A trial as an object, with the keys of a trial file. */
export type TrialObject<P extends DefinedPlugin = never> = TrialKeys<
  Choice<TaskOptions, P, "task">,
  Choice<AggregatorOptions, P, "aggregator">,
  Choice<AttackOptions, P, "attack">,
  Choice<ModOptions, P, "mod">,
  Choice<PersonalOptions, P, "personal">
>;

/** A sweep as an object: a trial in which any value may be a list of values. */
export type SweepObject<P extends DefinedPlugin = never> = Varied<TrialObject<P>> & {
  readonly sweep?: SweepSection;
};

type Varied<T> = { readonly [K in keyof T]: One<T[K]> | readonly One<T[K]>[] };

type One<T> = T extends readonly (infer E)[] ? readonly One<E>[] : T extends object ? Varied<T> : T;

/** The kinds of plug-in that `fedclair plugins` describes, in the order of its output. */
export const describedKinds = ["tasks", "aggregators", "attacks", "mods", "personal"] as const;

export type DescribedKind = (typeof describedKinds)[number];

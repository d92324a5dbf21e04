import type { ClientsInFigure } from "@fedclair/core";

/** For figures that do not look at clients. */
export const noClients: ClientsInFigure = { count: 0, name: () => "", truth: () => "benign" };

import type { TaskFigures } from "@fedclair/core";
export const figures: TaskFigures = () => [];

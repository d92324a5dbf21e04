/* Helpers for tests of tasks: `@fedclair/tasks/testing`. */
export { roundOf, start, startOf, stepOf } from "./coordinator.js";
export { noClients } from "./no-clients.js";
export { createTask, numbersOf, ownDataRng, trainClient, useDataFolder } from "./own-data.js";

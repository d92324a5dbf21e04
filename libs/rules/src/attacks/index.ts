export { mapModules } from "./forging.js";
export { changeLike } from "./modules.js";
export { coordinateDeviations, coordinateMeans } from "./statistics.js";
export { alie, alieDeviations } from "./alie/index.js";
export { ipm } from "./ipm/index.js";
export { minMax, type MinMax } from "./min-max/index.js";

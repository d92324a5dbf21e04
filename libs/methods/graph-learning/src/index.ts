import { collaborationGraphTask } from "./collaboration/task.js";
import { graphLearning } from "./task.js";

export default [graphLearning, collaborationGraphTask];

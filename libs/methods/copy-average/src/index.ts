export { copyAverage as default } from "./task.js";

export { alberdice as default } from "./task.js";

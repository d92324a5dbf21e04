/** How the user starts fedclair, for hints that can be copied: npx finds it where PATH does not. */
export function commandName(): string {
  return process.env["npm_command"] === "exec" ? "npx fedclair" : "fedclair";
}

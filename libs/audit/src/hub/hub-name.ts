import { stat } from "node:fs/promises";
import { UserError } from "@fedclair/core";

/** The address of an adapter on a hub. */
export interface HubName {
  /** As the user wrote it, with `hf://` in front. */
  readonly text: string;
  /** The repository, as `org/name`. */
  readonly repo: string;
  /** The folder in the repository; empty for its root. */
  readonly folder: string;
  /** A branch, a tag, a commit or `refs/pr/3`. */
  readonly revision: string;
}

const word = String.raw`[A-Za-z0-9_][\w.-]*`;
const address = new RegExp(`^(${word}/${word})((?:/${word})*)(?:@(${word}(?:/${word})*))?$`);
const scheme = "hf://";

/**
 * Reads a path of the command line as the address of an adapter on a hub: `hf://org/name`, with
 * `/folder` and `@revision` if needed. A bare `org/name` is one as well, unless there is a folder
 * of this name.
 * @returns undefined for a folder
 * @throws UserError if a text that begins with hf:// is no address
 */
export async function parseHubName(path: string): Promise<HubName | undefined> {
  const isExplicit = path.startsWith(scheme);
  const text = isExplicit ? path.slice(scheme.length) : path;
  const [, repo, folder = "", revision = "main"] = address.exec(text) ?? [];
  if (repo === undefined && isExplicit) {
    throw new UserError(
      `'${path}': expected hf://org/name, with /folder and @revision if they are needed`,
    );
  }
  if (repo === undefined) return undefined;
  const isLocal = () =>
    stat(path).then(
      () => true,
      () => false,
    );
  if (!isExplicit && (folder !== "" || (await isLocal()))) return undefined;
  return { text: scheme + text, repo, folder: folder.slice(1), revision };
}

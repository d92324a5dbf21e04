import { UserError } from "@fedclair/core";

/**
 * Parses the coordinator's URL. It must be http(s)://host:port, because socket.io reads anything
 * after that as a namespace, not a path.
 * @throws UserError if it is anything else
 */
export function checkCoordinatorUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const hasNoPath =
    parsed && `${parsed.username}${parsed.pathname}${parsed.search}${parsed.hash}` === "/";
  if (hasNoPath && ["http:", "https:"].includes(parsed.protocol)) return parsed;
  throw new UserError(
    `the coordinator's address: expected https://host:port and nothing behind, got '${url}'`,
  );
}

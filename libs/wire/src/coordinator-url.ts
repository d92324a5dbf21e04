import { UserError } from "@fedclair/core";

/** @returns it, parsed @throws UserError unless `url` is http(s)://host:port: what followed would name no path, but a namespace of socket.io */
export function checkCoordinatorUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const alone =
    parsed && `${parsed.username}${parsed.pathname}${parsed.search}${parsed.hash}` === "/";
  if (alone && ["http:", "https:"].includes(parsed.protocol)) return parsed;
  throw new UserError(
    `the coordinator's address: expected https://host:port and nothing behind, got '${url}'`,
  );
}

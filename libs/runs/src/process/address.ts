import { UserError } from "@fedclair/core";

/**
 * Parses host:port, where an IPv6 address is in brackets.
 * @throws UserError with the option's name
 */
export function parseAddress(text: string, option = "--listen"): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65535) {
    throw new UserError(`${option}: expected host:port, as 127.0.0.1:4000, got '${text}'`);
  }
  return { host, port };
}

import { UserError } from "@fedclair/core";

/** @throws UserError unless `text` is host:port, with an IPv6 address in brackets */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65535) {
    throw new UserError(`--listen: expected host:port, as 127.0.0.1:4000, got '${text}'`);
  }
  return { host, port };
}

/** Requests JSON of the server. @throws Error with the server's answer */
export async function load<T>(
  path: string,
  query: Readonly<Record<string, string>> | URLSearchParams,
  signal?: AbortSignal,
): Promise<T> {
  const search = new URLSearchParams(query).toString();
  const answer = await fetch(`${path}?${search}`, signal && { signal }).catch(() => {
    throw new Error("No connection to the server of this page. Trying again…");
  });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return (await answer.json()) as T;
}

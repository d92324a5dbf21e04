import { createHash } from "node:crypto";
import { extname } from "node:path";

/** A file of the archive. */
export interface ArchivedFile {
  /** The path within the archive, with slashes. */
  readonly path: string;
  readonly content: Buffer;
}

/** What the metadata say about the whole archive. */
export interface Archive {
  readonly name: string;
  readonly description: string;
  /** A day, as 2026-12-01. */
  readonly date: string;
  /** The address of the licence, if the user gives one. */
  readonly license?: string | undefined;
  readonly author?: string | undefined;
  /** The organisation of the author, which publishes it: `Name <https://address>`. */
  readonly organization?: string | undefined;
  /** The release of fedclair that made the runs. */
  readonly version: string;
}

const formats: Readonly<Record<string, string>> = {
  ".tex": "application/x-tex",
  ".pdf": "application/pdf",
  ".csv": "text/csv",
  ".json": "application/json",
  ".jsonl": "application/jsonl",
  ".yaml": "application/yaml",
  ".txt": "text/plain",
};

/** Describes an archive by RO-Crate 1.1: every file with its size and its SHA-256. */
export function crateMetadata(archive: Archive, files: readonly ArchivedFile[]): string {
  const { name, description, date, license, author, organization, version } = archive;
  const institute = organization === undefined ? undefined : toOrganization(organization);
  const link = institute && { "@id": institute["@id"] };
  const software = `https://www.npmjs.com/package/fedclair/v/${version}`;
  const graph = [
    {
      "@id": "ro-crate-metadata.json",
      "@type": "CreativeWork",
      conformsTo: { "@id": "https://w3id.org/ro/crate/1.1" },
      about: { "@id": "./" },
    },
    {
      "@id": "./",
      "@type": "Dataset",
      name,
      description,
      datePublished: date,
      license: { "@id": license ?? "#license" },
      ...(author !== undefined && { author: { "@id": "#author" } }),
      ...(link && { publisher: link }),
      hasPart: files.map(({ path }) => ({ "@id": encodeURI(path) })),
      mentions: { "@id": "#runs" },
    },
    {
      "@id": license ?? "#license",
      "@type": "CreativeWork",
      name: license ?? "No licence given",
      description:
        license === undefined
          ? "The authors have not named a licence: ask them before you reuse these files."
          : `The licence of these files: ${license}`,
    },
    ...(author === undefined
      ? []
      : [
          { "@id": "#author", "@type": "Person", name: author, ...(link && { affiliation: link }) },
        ]),
    ...(institute ? [institute] : []),
    {
      "@id": "#runs",
      "@type": "CreateAction",
      name: `The runs of ${name}`,
      endTime: date,
      instrument: { "@id": software },
      result: { "@id": "./" },
      ...(author !== undefined && { agent: { "@id": "#author" } }),
    },
    {
      "@id": software,
      "@type": "SoftwareApplication",
      name: "fedclair",
      version,
      softwareVersion: version,
      url: software,
    },
    ...files.map(({ path, content }) => ({
      "@id": encodeURI(path),
      "@type": "File",
      name: path,
      encodingFormat: formats[extname(path)] ?? "application/octet-stream",
      contentSize: String(content.length),
      sha256: hashOf(content),
    })),
  ];
  const context = [
    "https://w3id.org/ro/crate/1.1/context",
    { sha256: "https://w3id.org/ro/terms/workflow-run#sha256" },
  ];
  return JSON.stringify({ "@context": context, "@graph": graph }, null, 1) + "\n";
}

/** Reads `Name <https://address>`; the address may be missing. */
function toOrganization(text: string) {
  const [, name = text, url] = /^(.*?)\s*<(https?:[^<>]+)>$/.exec(text) ?? [];
  return { "@id": url ?? "#organization", "@type": "Organization", name, ...(url && { url }) };
}

/** Lists the hashes of files, as `sha256sum --check` reads them. */
export function hashList(files: readonly ArchivedFile[]): string {
  return files.map(({ path, content }) => `${hashOf(content)}  ${path}\n`).join("");
}

function hashOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

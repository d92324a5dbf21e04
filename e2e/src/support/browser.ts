import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { chromium, type Browser, type Page } from "playwright-core";
import { cleanUps, lastCleanUps } from "./afterwards.js";

let browser: Promise<Browser> | undefined;

/** A page in Debian's Chromium, with everything that it complained about. */
export interface OpenedPage {
  readonly page: Page;
  /** Errors of scripts, failed requests and violations of the content security policy. */
  readonly complaints: readonly string[];
}

/** Opens a page with cookies and storage of its own, which is closed after the test. */
export async function openPage(
  url: string,
  { width = 1280, height = 900, dark = false, scripts = true } = {},
): Promise<OpenedPage> {
  browser ??= chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox"], // containers have no user namespaces
  });
  const context = await (
    await browser
  ).newContext({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    javaScriptEnabled: scripts,
  });
  context.setDefaultTimeout(100_000); // shorter than mocha's, whose message would not say what is missing
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

/**
 * Lists what axe-core finds serious or critical about a page, with the elements.
 * @param rules ids of axe-core's rules; default: all
 */
export async function seriousFindings(page: Page, rules?: readonly string[]): Promise<string[]> {
  const source = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  await page.evaluate(await readFile(source, "utf8"));
  const { violations } = await page.evaluate(
    (options) => (globalThis as unknown as { axe: Axe }).axe.run(options),
    rules ? { runOnly: [...rules] } : {},
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

interface Axe {
  readonly run: (options: { readonly runOnly?: readonly string[] }) => Promise<AxeResult>;
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

cleanUps.push(async () => {
  await Promise.all((await browser)?.contexts().map((context) => context.close()) ?? []);
});
lastCleanUps.push(async () => {
  await (await browser)?.close();
  browser = undefined;
});

import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runProgram, threadFolder } from '../../workers/program.ts';
import { htmlToText } from './html.ts';
import { MAX_TEXT_BYTES, type ReadingLimits } from './limits.ts';
import type { Reading } from './transcript.ts';
import { damaged, tooMuchText, withoutReader } from './unreadable.ts';

/** Names of LibreOffice's filters. Without one it takes whatever it does not know for text, and succeeds. */
const FILTERS = {
  docx: 'MS Word 2007 XML',
  odt: 'writer8',
  doc: 'MS Word 97',
  rtf: 'Rich Text Format',
};

/**
 * Extracts text with LibreOffice, by way of HTML: its own plain text lacks footnotes. It has a profile of its own in
 * each thread: two that run at once on one profile disturb each other, and the first start with a new one takes some
 * seconds more.
 * @param file of that type, which the caller has looked at
 * @param otherwise what another reader has said of it
 * @throws PermanentError when it is damaged or has too much text, or the machine has no LibreOffice; another error, which
 *   a retry may help, when it takes too long or crashes
 */
export async function readWithLibreOffice(
  type: keyof typeof FILTERS,
  file: Buffer,
  { signal, timeoutSeconds, maxTextBytes = MAX_TEXT_BYTES }: ReadingLimits,
  otherwise?: string,
): Promise<Reading> {
  const folder = await threadFolder();
  const [profile, work] = [join(folder, 'profile'), join(folder, 'work')];
  await mkdir(work, { recursive: true });
  try {
    await prepareProfile(profile);
    const source = join(work, `document.${type}`);
    await writeFile(source, file);
    const args = [...argumentsFor(profile, FILTERS[type]), '--outdir', work, source];
    const env = { HOME: folder, TMPDIR: work, LC_ALL: 'C.UTF-8' };
    const end = await runProgram('soffice', args, { signal, timeoutSeconds, env });
    if (end === undefined) throw noLibreOffice(type, otherwise);
    const text = await readOutput(join(work, 'document.html'), maxTextBytes);
    if (text !== undefined) {
      return { pages: [text], isPaged: false, transcribedBy: 'libreoffice', warnings: [] };
    }
    if (end.code > 128) throw new Error(`soffice was ended by signal ${end.code - 128}`);
    throw damaged('LibreOffice', otherwise ?? 'it cannot be loaded');
  } catch (error) {
    // It may have been in the middle of writing there.
    await rm(profile, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Nothing that a document names is fetched, from this machine's network or any other; and its macros do not run. */
async function prepareProfile(profile: string): Promise<void> {
  const settings = join(profile, 'user', 'registrymodifications.xcu');
  if (await stat(settings).catch(() => undefined)) return;
  await mkdir(join(profile, 'user'), { recursive: true });
  await writeFile(settings, SETTINGS);
}

const SETTINGS = `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop>
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
</item>
</oor:items>
`;

function argumentsFor(profile: string, filter: string): string[] {
  return [
    '--headless',
    '--norestore',
    '--nolockcheck',
    `-env:UserInstallation=${pathToFileURL(profile).href}`,
    `--infilter=${filter}`,
    '--convert-to',
    'html:HTML (StarWriter)',
  ];
}

/** It exits with 0 when it could not load the file, too. @returns nothing when there is none */
async function readOutput(path: string, maxTextBytes: number): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (found.size > MOST_MARKUP * maxTextBytes) throw tooMuchText(maxTextBytes);
  const text = htmlToText(await readFile(path, 'utf8'));
  if (text.length > maxTextBytes) throw tooMuchText(maxTextBytes);
  return text;
}

/** How much HTML may come of a text: short paragraphs need a multiple of themselves. */
const MOST_MARKUP = 4;

function noLibreOffice(type: string, otherwise: string | undefined): Error {
  if (otherwise !== undefined) return damaged('mammoth', otherwise);
  return withoutReader(type.toUpperCase(), 'LibreOffice (soffice; Debian: libreoffice-writer-nogui)');
}

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

/** What a look found: whether it is well, and what to say. A warning is no fault: Heddle works without it. */
export interface Finding {
  well: boolean | 'warning';
  what: string;
}

/**
 * The programs that the tasks need which transcribe documents: `docs/documents.md`.
 * @param ocrLanguages those of OCR_LANGUAGES, if there are any
 */
export async function documentTools(ocrLanguages: string | undefined): Promise<Finding[]> {
  const wanted = ocrLanguages === undefined ? TOOLS : [...TOOLS, ...OCR_TOOLS];
  const found = await Promise.all(wanted.map(tool));
  return [...found.map(({ finding }) => finding), ...popplerData(found), ...languages(found, ocrLanguages)];
}

interface Tool {
  command: string;
  args: string[];
  without: string;
}

const TOOLS: Tool[] = [
  {
    command: 'pdftotext',
    args: ['-v'],
    without: 'PDFs are read by unpdf, which is slower (Debian: poppler-utils and poppler-data)',
  },
  {
    command: 'soffice',
    args: ['--version'],
    without: 'ODT, DOC and RTF cannot be read (Debian: libreoffice-writer-nogui)',
  },
];

const OCR_TOOLS: Tool[] = [
  { command: 'pdftoppm', args: ['-v'], without: 'OCR_LANGUAGES needs it (Debian: poppler-utils)' },
  {
    command: 'tesseract',
    args: ['--list-langs'],
    without: 'OCR_LANGUAGES needs it (Debian: tesseract-ocr, and a package for each language)',
  },
];

/** Where Debian, Fedora, Alpine and Homebrew put it. */
const POPPLER_DATA = ['/usr/share', '/usr/local/share', '/opt/homebrew/share'].map(
  (share) => `${share}/poppler/cMap`,
);

/** Without it, pdftotext leaves out what it cannot decode, and succeeds. */
function popplerData(found: readonly Found[]): Finding[] {
  if (!found.some(({ command, finding }) => command === 'pdftotext' && finding.well === true)) return [];
  if (POPPLER_DATA.some((folder) => existsSync(folder))) return [{ well: true, what: 'poppler-data: there' }];
  const without = 'pdftotext leaves out much of Chinese, Japanese and Korean (Debian: poppler-data)';
  return [{ well: 'warning', what: `poppler-data: not there; ${without}` }];
}

function languages(found: readonly Found[], wanted: string | undefined): Finding[] {
  const tesseract = found.find(({ command }) => command === 'tesseract');
  if (wanted === undefined || tesseract?.finding.well !== true) return [];
  const lines = tesseract.said.split('\n').map((line) => line.trim());
  const missing = wanted.split('+').filter((language) => !lines.includes(language));
  if (missing.length === 0) return [{ well: true, what: `OCR: it has ${wanted}` }];
  return [{ well: 'warning', what: `OCR: tesseract lacks ${missing.join(', ')} of OCR_LANGUAGES` }];
}

interface Found {
  command: string;
  finding: Finding;
  /** All that it printed. */
  said: string;
}

async function tool({ command, args, without }: Tool): Promise<Found> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { timeout: 10_000 });
    const said = stdout || stderr;
    return { command, finding: { well: true, what: `${command}: ${said.split('\n')[0]}` }, said };
  } catch {
    return { command, finding: { well: 'warning', what: `${command}: not there; ${without}` }, said: '' };
  }
}

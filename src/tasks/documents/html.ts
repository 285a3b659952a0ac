import { convert, type FormatCallback, type HtmlToTextOptions } from 'html-to-text';
import { type Decoded, decodeText } from './text.ts';
import { nestedTooDeeply } from './unreadable.ts';

/**
 * The text of a page, as somebody would read it: without scripts, styles and addresses of links, cells of a table one
 * after the other in their row. Nothing of it is run or fetched.
 * @param declared how the sender says it is encoded
 * @throws PermanentError when it is nested so deeply that nobody could have written it
 */
export function readHtml(file: Buffer, declared: string | null): Decoded {
  const { text, warnings } = decodeText(file, declared ?? charsetInside(file));
  return { text: htmlToText(text), warnings };
}

/** @throws PermanentError when it is nested so deeply that nobody could have written it */
export function htmlToText(html: string): string {
  try {
    return tidy(convert(html, OPTIONS));
  } catch (error) {
    if (error instanceof RangeError) throw nestedTooDeeply();
    throw error;
  }
}

/** Office programs leave empty paragraphs where something was that is no text; behind a row's last cell is a tab. */
function tidy(text: string): string {
  return text
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** The standard has readers look for it in the first 1024 bytes. */
function charsetInside(file: Buffer): string | null {
  const beginning = file.toString('latin1', 0, 1024);
  const found = /<meta\s[^>]*charset\s*=\s*["']?\s*([\w-]+)/i.exec(beginning)?.[1] ?? null;
  // It was read as if it were ASCII: UTF-16 it cannot be.
  return found !== null && /^utf-?16/i.test(found) ? 'utf-8' : found;
}

/** A tab between the cells of a row: they would run together. */
const cell: FormatCallback = (element, walk, builder) => {
  walk(element.children, builder);
  builder.addLiteral('\t');
};

const row: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ leadingLineBreaks: 1 });
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: 1 });
};

const OPTIONS: HtmlToTextOptions = {
  wordwrap: false,
  limits: { maxInputLength: Number.MAX_SAFE_INTEGER },
  formatters: { cell, row },
  selectors: [
    { selector: 'a', options: { ignoreHref: true } },
    { selector: 'img', format: 'skip' },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'table', format: 'block' },
    { selector: 'tr', format: 'row' },
    { selector: 'td', format: 'cell' },
    { selector: 'th', format: 'cell' },
    ...['head', 'title', 'script', 'style', 'noscript', 'template', 'svg'].map((selector) => ({
      selector,
      format: 'skip',
    })),
  ],
};

/** HTML whose every value is escaped. */
export type Html = { readonly html: string };

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '');

type Value = string | number | Html | readonly Html[] | null | undefined | false;

const render = (value: Value): string => {
  if (value === null || value === undefined || value === false) return '';
  if (Array.isArray(value)) return value.map(render).join('');
  return typeof value === 'object' ? (value as Html).html : escape(String(value));
};

export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html => ({ html: parts.reduce((text, part, at) => text + render(values[at - 1]) + part) });

/**
 * Reads answers of a known form in which much is told again and again. A subgraph that is asked for the authors of reviews
 * tells all of an author with each review; what an object at one place says once is made once, and where the same bytes
 * stand at that place again, they are that object again.
 *
 * Only answers that are exactly of the form are read, others are left to JSON.parse: fields in the order of the operation,
 * no space between tokens, no errors. So are those that tell little twice, as there JSON.parse is quicker.
 */
import type { AnswerForm, SubgraphResult } from './data-source.ts';

/** The JSON of a body; throws for what is none. */
export type ReadAnswer = (body: Buffer) => unknown;

/**
 * Answers of less than `leastSize` bytes are parsed: there is little to gain. Where less than `leastRepeated` of an answer
 * had been told before, as a share, so are the next `answersParsed`.
 */
const defaults = { leastSize: 4096, leastRepeated: 0.5, answersParsed: 50 };

/** For the answers to one operation. */
export const createAnswerReader = (form: AnswerForm | undefined, options: Partial<typeof defaults> = {}): ReadAnswer => {
  const { leastSize, leastRepeated, answersParsed } = { ...defaults, ...options };
  const parse: ReadAnswer = (body) => JSON.parse(body.toString('utf8'));
  if (!form) return parse;
  let expected: Expected | undefined;
  let parseNext = 0;
  return (body) => {
    if (body.length < leastSize || parseNext-- > 0) return parse(body);
    expected ??= expectedOf(form);
    if (expected.places === 0) return parse(body);
    const reading = new Reading(body, expected);
    const result = reading.whole();
    if (!result || reading.repeated < leastRepeated * body.length) parseNext = answersParsed;
    return result ?? parse(body);
  };
};

/** `head` is what stands before the value, `place` a number for each place whose equal objects may be one, or -1. */
type Field = { readonly name: string; readonly head: Buffer; readonly place: number; readonly fields: readonly Field[] | null };
type Expected = { readonly data: Field; readonly places: number };

const expectedOf = (form: AnswerForm): Expected => {
  let places = 0;
  const fieldsOf = (fields: AnswerForm): readonly Field[] =>
    fields.map(({ name, mayBeOne, fields: below }) => ({ name, head: Buffer.from(`"${name}":`), place: mayBeOne ? places++ : -1, fields: below && fieldsOf(below) }));
  return { data: { name: 'data', head: Buffer.from('{"data":'), place: -1, fields: fieldsOf(form) }, places };
};

/** Thrown where the answer is not of the form. */
const otherForm = new Error('The answer is not of the form that was asked for.');

const code = { quote: 0x22, comma: 0x2c, minus: 0x2d, zero: 0x30, nine: 0x39, openList: 0x5b, backslash: 0x5c, closeList: 0x5d, open: 0x7b, close: 0x7d, firstPrintable: 0x20, lastAscii: 0x7f } as const;
const literals: readonly (readonly [Buffer, unknown])[] = [[Buffer.from('null'), null], [Buffer.from('true'), true], [Buffer.from('false'), false]];

type Told = { readonly from: number; readonly length: number; readonly value: object };
/** Objects of one place that are kept to be met again. */
const mostTold = 8;
/** Bytes compared one by one, as most objects differ early. */
const looked = 48;

/** One answer under way. */
class Reading {
  /** Bytes that had been read before. */
  repeated = 0;
  private at = 0;
  private readonly bytes: Buffer;
  private readonly data: Field;
  private readonly told: Told[][];
  private readonly shared = new Set<object>();

  constructor(bytes: Buffer, { data, places }: Expected) {
    this.bytes = bytes;
    this.data = data;
    this.told = Array.from({ length: places }, () => []);
  }

  /** Null for an answer that is not of the form, or no JSON. */
  whole(): SubgraphResult | null {
    const { bytes, data, shared } = this;
    try {
      if (!this.takes(data.head)) return null;
      const value = this.value(data) as SubgraphResult['data'];
      return bytes[this.at] === code.close && this.at + 1 === bytes.length ? { data: value, shared } : null;
    } catch {
      // Of another form, no JSON, or too deep: JSON.parse tells.
      return null;
    }
  }

  private value(field: Field): unknown {
    const first = this.bytes[this.at];
    if (first === code.quote) return this.string();
    if (first === code.open) return this.objectOnce(field);
    if (first === code.openList) return this.list(field);
    if (first === code.minus || (first !== undefined && first >= code.zero && first <= code.nine)) return this.number();
    for (const [text, value] of literals) if (this.takes(text)) return value;
    throw otherForm;
  }

  private list(field: Field): unknown[] {
    const elements: unknown[] = [];
    this.at++;
    if (this.bytes[this.at] === code.closeList) {
      this.at++;
      return elements;
    }
    for (;;) {
      elements.push(this.value(field));
      const next = this.bytes[this.at++];
      if (next === code.closeList) return elements;
      if (next !== code.comma) throw otherForm;
    }
  }

  private objectOnce(field: Field): object {
    const told = this.told[field.place];
    if (!told) return this.object(field);
    const from = this.at;
    for (const each of told) {
      if (!this.repeats(each)) continue;
      this.at += each.length;
      this.repeated += each.length;
      this.shared.add(each.value);
      return each.value;
    }
    const value = this.object(field);
    told[told.length < mostTold ? told.length : from % mostTold] = { from, length: this.at - from, value };
    return value;
  }

  /** Whether the same bytes stand here: JSON of an object ends nowhere but at its end. */
  private repeats({ from, length }: Told): boolean {
    const { bytes, at } = this;
    const near = Math.min(length, looked);
    for (let index = 1; index < near; index++) if (bytes[from + index] !== bytes[at + index]) return false;
    return at + length <= bytes.length && (length === near || bytes.compare(bytes, from + near, from + length, at + near, at + length) === 0);
  }

  private object({ fields }: Field): object {
    if (!fields) throw otherForm;
    const object: Record<string, unknown> = {};
    let position = 0;
    this.at++;
    if (this.bytes[this.at] === code.close) {
      this.at++;
      return object;
    }
    for (;;) {
      // Objects of other types may lack some.
      while (position < fields.length && !this.takes((fields[position] as Field).head)) position++;
      const field = fields[position++];
      if (!field) throw otherForm;
      object[field.name] = this.value(field);
      const next = this.bytes[this.at++];
      if (next === code.close) return object;
      if (next !== code.comma) throw otherForm;
    }
  }

  private string(): string {
    const { bytes, at } = this;
    let isEscaped = false;
    let isAscii = true;
    let end = at + 1;
    for (; end < bytes.length; end++) {
      const byte = bytes[end] as number;
      if (byte === code.quote) break;
      if (byte < code.firstPrintable) throw otherForm;
      if (byte > code.lastAscii) isAscii = false;
      if (byte === code.backslash) {
        isEscaped = true;
        end++;
      }
    }
    this.at = end + 1;
    if (isEscaped) return JSON.parse(bytes.toString('utf8', at, end + 1)) as string;
    return bytes.toString(isAscii ? 'latin1' : 'utf8', at + 1, end);
  }

  private number(): number {
    const { bytes } = this;
    const from = this.at;
    while (isOfNumber(bytes[this.at])) this.at++;
    return JSON.parse(bytes.toString('latin1', from, this.at)) as number;
  }

  /** Goes past the text if it stands here. */
  private takes(text: Buffer): boolean {
    const { bytes, at } = this;
    for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text[index]) return false;
    this.at = at + text.length;
    return true;
  }
}

/** Digits, `-`, `+`, `.`, `e` and `E`: whether they are a number, JSON.parse knows. */
const isOfNumber = (byte: number | undefined): boolean => byte !== undefined && ((byte >= code.zero && byte <= code.nine) || byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x45 || byte === 0x65);

/**
 * JSON, written as bytes. Answers are large and repeat themselves; a string put together from thousands of parts costs
 * several times what it costs to write each part once where it belongs, and what was written can be copied.
 *
 * Every text is written into the same memory, which stays warm, and handed out as a copy.
 */
import { EventgraphError } from '#core/errors.ts';

const usualSize = 1 << 20;
/** In bytes. What costs a few requests can stand at any number of places of an answer: it ends here, and not with the process. */
const largestAnswer = 128 << 20;
/** Above this many characters the engine's own encoder is quicker than a loop. */
const longString = 64;

const code = { quote: 0x22, backslash: 0x5c, firstPrintable: 0x20, lastAscii: 0x7e } as const;

let memory = Buffer.allocUnsafeSlow(usualSize);

/** One text under way. There is one at a time: writing never waits. */
export class JsonWriter {
  private at = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.at;
  }

  /** Takes back everything after the first so many bytes. */
  truncate(length: number): void {
    this.at = length;
  }

  /** Text of plain ASCII without escapes: punctuation, names, numbers. */
  ascii(text: string): void {
    this.reserve(text.length);
    let { at } = this;
    for (let index = 0; index < text.length; index++) memory[at++] = text.charCodeAt(index);
    this.at = at;
  }

  /** JSON that was made elsewhere. */
  json(text: string): void {
    this.reserve(text.length * 3);
    this.at += memory.write(text, this.at, 'utf8');
  }

  string(text: string): void {
    const { length } = text;
    if (length > longString) return this.json(JSON.stringify(text));
    this.reserve(length + 2);
    let { at } = this;
    memory[at++] = code.quote;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit < code.firstPrintable || unit > code.lastAscii || unit === code.quote || unit === code.backslash) return this.json(JSON.stringify(text));
      memory[at++] = unit;
    }
    memory[at++] = code.quote;
    this.at = at;
  }

  /** The bytes from `from` to `to` of this text once more. */
  repeat(from: number, to: number): void {
    this.reserve(to - from);
    memory.copyWithin(this.at, from, to);
    this.at += to - from;
  }

  /** The text; nothing can be written after it. */
  finish(): Buffer {
    const text = Buffer.allocUnsafeSlow(this.at);
    memory.copy(text, 0, 0, this.at);
    if (memory.length > usualSize) memory = Buffer.allocUnsafeSlow(usualSize);
    return text;
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= memory.length) return;
    if (this.at + bytes > largestAnswer) {
      memory = Buffer.allocUnsafeSlow(usualSize);
      throw new EventgraphError('ANSWER_TOO_LARGE', `The answer is larger than ${largestAnswer} bytes.`, { maximum: largestAnswer });
    }
    const larger = Buffer.allocUnsafeSlow(Math.min((this.at + bytes) * 2, largestAnswer));
    memory.copy(larger, 0, 0, this.at);
    memory = larger;
  }
}

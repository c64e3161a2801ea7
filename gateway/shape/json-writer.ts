/**
 * JSON, written as bytes. Answers are large and repeat themselves; a string put together from thousands of parts costs
 * several times what it costs to write each part once where it belongs, and what was written can be copied.
 *
 * Texts are written one after the other into slabs of memory, and handed out as views of them.
 */
const slabSize = 1 << 20;
/** Above this many characters the engine's own encoder is quicker than a loop. */
const longString = 64;

const code = { quote: 0x22, backslash: 0x5c, firstPrintable: 0x20, lastAscii: 0x7e } as const;

let slab = Buffer.allocUnsafeSlow(slabSize);
let used = 0;

/** One text under way. There is one at a time: writing never waits. */
export class JsonWriter {
  private start = used;
  private at = used;

  /** Bytes written so far. */
  get length(): number {
    return this.at - this.start;
  }

  /** Takes back everything after the first so many bytes. */
  truncate(length: number): void {
    this.at = this.start + length;
  }

  /** Text of plain ASCII without escapes: punctuation, names, numbers. */
  ascii(text: string): void {
    this.reserve(text.length);
    let { at } = this;
    for (let index = 0; index < text.length; index++) slab[at++] = text.charCodeAt(index);
    this.at = at;
  }

  /** JSON that was made elsewhere. */
  json(text: string): void {
    this.reserve(text.length * 3);
    this.at += slab.write(text, this.at, 'utf8');
  }

  string(text: string): void {
    const { length } = text;
    if (length > longString) return this.json(JSON.stringify(text));
    this.reserve(length + 2);
    let { at } = this;
    slab[at++] = code.quote;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit < code.firstPrintable || unit > code.lastAscii || unit === code.quote || unit === code.backslash) return this.json(JSON.stringify(text));
      slab[at++] = unit;
    }
    slab[at++] = code.quote;
    this.at = at;
  }

  /** The bytes from `from` to `to` of this text once more. */
  repeat(from: number, to: number): void {
    this.reserve(to - from);
    slab.copyWithin(this.at, this.start + from, this.start + to);
    this.at += to - from;
  }

  /** The text; nothing can be written after it. */
  finish(): Buffer {
    used = 0;
    const out = Buffer.allocUnsafeSlow(this.at - this.start);
    slab.copy(out, 0, this.start, this.at);
    return out;
  }

  /** A text that does not fit into the rest of the slab moves to the next one. */
  private reserve(bytes: number): void {
    if (this.at + bytes <= slab.length) return;
    const { length } = this;
    const next = Buffer.allocUnsafeSlow(Math.max(slabSize, (length + bytes) * 2));
    slab.copy(next, 0, this.start, this.at);
    slab = next;
    used = 0;
    this.start = 0;
    this.at = length;
  }
}

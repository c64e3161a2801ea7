/** Most strings are short and need no escapes; looking at them costs less than calling JSON.stringify. */
const shortString = 48;

/** The string as JSON. */
export const quote = (text: string): string => {
  if (text.length > shortString) return JSON.stringify(text);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Control characters, `"`, `\` and halves of surrogate pairs.
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || (unit >= 0xd800 && unit <= 0xdfff)) return JSON.stringify(text);
  }
  return `"${text}"`;
};

// Session codes: nine digits, however people write them.

const CODE_DIGITS = 9;

/** The nine digits, or null. Spaces and dashes are dropped, also those that a copied text brings along. */
export function parseCode(text: string): string | null {
  const digits = text.replace(/[\s\u00a0\u2010-\u2015-]/g, "");
  return digits.length === CODE_DIGITS && /^[0-9]+$/.test(digits) ? digits : null;
}

/** A code out of what was typed or pasted: the code itself or a meeting's link. */
export function parseCodeOrLink(text: string): string | null {
  const direct = parseCode(text);
  if (direct) return direct;
  try {
    return parseCode(new URL(text.trim()).pathname.slice(1));
  } catch {
    return null;
  }
}

/** In groups of three, as people say it. */
export function codeGroups(code: string): string[] {
  return code.match(/.{1,3}/g) ?? [];
}

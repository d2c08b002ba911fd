/**
 * A short stand-in for a text that may be megabytes long: its length and two 32-bit hashes (FNV-1a,
 * one of them backwards). It tells reports of nodes apart; it is no protection against forgery.
 */
export function digest(text: string): string {
  let forwards = 0x811c9dc5;
  let backwards = 0x811c9dc5;
  for (let i = 0, j = text.length - 1; j >= 0; i++, j--) {
    forwards = Math.imul(forwards ^ text.charCodeAt(i), 0x01000193);
    backwards = Math.imul(backwards ^ text.charCodeAt(j), 0x01000193);
  }
  return `${text.length}:${forwards >>> 0}:${backwards >>> 0}`;
}

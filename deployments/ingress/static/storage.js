// What this browser keeps between visits; one that keeps nothing still shows everything.

export function remembered(key, known = null) {
  try {
    const value = localStorage.getItem(`safe-yolo-${key}`) ?? "";
    return known === null || known.includes(value) ? value : "";
  } catch {
    return "";
  }
}

export function remember(key, value) {
  try { localStorage.setItem(`safe-yolo-${key}`, value); } catch { /* asked again next time */ }
}

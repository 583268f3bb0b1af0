// A camera's address and its login apart: a password has a field of its own, and what is stored is never shown.

const LOGIN = /^([a-z][\w+.-]*:\/\/)([^/?#]*)@(.*)$/is;
const SCHEME = /^[a-z][\w+.-]*:\/\//i;
const STORED = "***"; // what the server shows for it, and takes as "keep it"

export const isNetwork = (address) => /^(rtsps?|https?):\/\//i.test(address.trim());
export const isRtsp = (address) => /^rtsps?:\/\//i.test(address.trim());
export const isFile = (address) => address.trim() !== "" && !isNetwork(address) && !/^(usb:|\/dev\/video)/.test(address.trim());

// -> {address, user, password, stored}; `stored`: the server has a login for it
export function takeApart(source) {
  const [, scheme, login, rest] = LOGIN.exec(source) ?? [];
  if (login === undefined) return { address: source, user: "", password: "", stored: false };
  const address = scheme + rest;
  if (login === STORED) return { address, user: "", password: "", stored: true };
  const [user, ...others] = login.split(":");
  const password = others.join(":");
  return { address, user: decoded(user), password: password === STORED ? "" : decoded(password), stored: password === STORED };
}

export function putTogether({ address, user, password, stored }) {
  const scheme = SCHEME.exec(address)?.[0];
  const login = loginOf(user, password, stored);
  return scheme && login && isNetwork(address) ? `${scheme}${login}@${address.slice(scheme.length)}` : address;
}

function loginOf(user, password, stored) {
  if (password) return `${encoded(user)}:${encoded(password)}`;
  if (user) return stored ? `${encoded(user)}:${STORED}` : encoded(user);
  return stored ? STORED : "";
}

const encoded = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

// The address of a view: `#/events?severity=CRITICAL`. It can be sent to somebody, and survives a sign-in.

export function readAddress() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/").map(decoded);
  return { view: view || "live", id: rest.join("/"), query: Object.fromEntries(new URLSearchParams(search)) };
}

export function addressOf(view, id = "", query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const search = new URLSearchParams(given).toString();
  return `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}${search ? `?${search}` : ""}`;
}

// Says the state of a view in the address without leaving the view.
export function noteAddress(view, id, query) {
  const address = addressOf(view, id, query);
  if (location.hash !== address) history.replaceState(null, "", location.pathname + address);
}

// A message's link is `/?event=ID`.
export function takeLinkedEvent() {
  const event = new URLSearchParams(location.search).get("event");
  if (event) history.replaceState(null, "", `/${addressOf("events", "", { event })}`);
}

function decoded(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

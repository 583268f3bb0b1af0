// The button of the page behind a message's link. Opening the page changes nothing: only the button does.

const button = document.getElementById("acknowledge");
const answers = [...document.querySelectorAll(".said")];
const time = document.querySelector("time");

function show(...names) {
  for (const one of answers) one.hidden = !names.includes(one.dataset.said);
}

function nameOf(status) {
  if (status === 200) return "done";
  return status === 409 ? "newer" : "failed";
}

async function acknowledge() {
  button.disabled = true;
  let answer = "failed";
  try {
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}", cache: "no-store" };
    answer = nameOf((await fetch(location.pathname, options)).status);
  } catch { /* no network: it may be tried again */ }
  show(...(answer === "failed" ? ["failed", "ask"] : [answer]));
  button.hidden = answer !== "failed";
  button.disabled = false;
}

time.textContent = new Date(time.dateTime).toLocaleString();
button.onclick = acknowledge;

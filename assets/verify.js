// The verify page without a page load: drop or choose files, watch them go, read the answer.
// Without this script the form is sent as forms are, and the server answers with the whole page.

const form = document.querySelector("#form");
const input = document.querySelector("#file");
const status = document.querySelector("#status");
const progress = document.querySelector("#progress");
const results = document.querySelector("#results");
const apart = document.querySelector("#detached");
const password = document.querySelector("#password");
const locked = document.querySelector("#locked");
const say = (text) => { status.textContent = text; };

let underway = null;

function send(files) {
  if (files.length === 0) return;
  underway?.abort();
  const body = new FormData();
  for (const file of files) body.append("file", file, file.name);
  // The document of one signature that lies apart; of anything else it would be nobody's.
  const signature = files.length === 1 && /\.(p7s|sig|xml)$/i.test(files[0].name);
  if (signature && apart.files.length === 1) body.append("detached", apart.files[0], apart.files[0].name);
  if (password.value !== "") body.append("password", password.value);

  const request = new XMLHttpRequest();
  underway = request;
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/problem+json");
  request.setRequestHeader("Accept-Language", document.documentElement.lang);
  request.setRequestHeader("X-Kyso-Part", "results");
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) progress.value = (100 * event.loaded) / event.total;
  });
  request.upload.addEventListener("load", () => {
    progress.removeAttribute("value");
    say(form.dataset.judging);
  });
  request.addEventListener("load", () => answered(request));
  request.addEventListener("error", () => ended(form.dataset.failed));

  results.replaceChildren();
  progress.value = 0;
  progress.hidden = false;
  form.setAttribute("aria-busy", "true");
  say(form.dataset.sending);
  request.send(body);
}

function answered(request) {
  if (request.status === 200) {
    results.innerHTML = request.responseText;
    // Where a password is wanted, its field is at hand.
    if (results.querySelector("[data-wants]")) locked.open = true;
    ended(form.dataset.done);
    const heading = results.querySelector("#answer");
    heading?.focus({ preventScroll: true });
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    heading?.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
    return;
  }
  let words = form.dataset.failed;
  try {
    const problem = JSON.parse(request.responseText);
    words = `${problem.title}. ${problem.detail}`;
  } catch { /* not a problem of ours: a proxy's page, perhaps */ }
  ended(words);
}

function ended(words) {
  underway = null;
  progress.hidden = true;
  form.removeAttribute("aria-busy");
  say(words);
}

// The label says that choosing is enough.
form.classList.add("scripted");
input.addEventListener("change", () => send(input.files));
password.addEventListener("change", () => send(input.files));
apart.addEventListener("change", () => { if (apart.files.length === 1) send(input.files); });
form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(input.files);
});

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) form.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  form.classList.remove("over");
  input.files = event.dataTransfer.files;
  send(event.dataTransfer.files);
});

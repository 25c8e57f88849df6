//! The verify page in a real browser: Chromium without a window, driven over WebDriver (W3C) in plain HTTP.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    kinds::{Kinds, patient},
    passwords,
    town::{sample, town},
};
use crate::support::tool;

#[test]
fn people_verify_files_on_a_telephone_and_at_a_desk() {
    let Some(town) = town() else { return };
    let Some(driver) = Driver::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let signed = write(folder.path(), "quyet-dinh.pdf", town.signed_pdf());
    let mut bytes = town.signed_pdf().to_vec();
    let at = bytes.windows(6).position(|window| window == b"stream").unwrap() + 30;
    bytes[at] ^= 1;
    let changed = write(folder.path(), "bi-sua.pdf", &bytes);
    let plain = write(folder.path(), "chua-ky.pdf", &sample());

    for (width, height) in [(360, 740), (1280, 900)] {
        let browser = driver.browser(width, height);
        browser.open(&town.url("/kiem-tra"));
        assert_eq!(browser.text("html", "lang"), "vi");
        browser.fits(width);

        for (file, heading) in
            [(&signed, "Chữ ký hợp lệ"), (&changed, "Không hợp lệ"), (&plain, "Văn bản không có chữ ký số")]
        {
            browser.choose(file);
            let card = browser.wait_for(&format!(".result h3 | {heading}"));
            assert_eq!(card, heading);
            assert_eq!(browser.script("return document.querySelectorAll('.result').length"), 1);
            browser.fits(width);
            browser.picture(&format!("{width}-{}", file.file_stem().unwrap().to_string_lossy()));
        }
        assert_eq!(
            browser.script("return document.activeElement.id"),
            "answer",
            "the answer has the focus, so that a screen reader reads it"
        );
        assert!(
            browser
                .script("return document.querySelector('#status').textContent")
                .to_string()
                .contains("xong")
        );

        browser.open(&town.url("/docs?lang=en"));
        browser.wait_for("#api .operation code | /api/v1/documents");
        browser.fits(width);
        browser.picture(&format!("{width}-docs"));
        browser.open(&town.url("/"));
        browser.fits(width);
        browser.picture(&format!("{width}-home"));
    }
}

/// Every kind of file, on a telephone and at a desk, in both languages; a signature with its document, chosen together and
/// one after the other.
#[test]
fn people_verify_every_kind_of_file() {
    let Some(town) = town() else { return };
    let Some(driver) = Driver::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (kinds, server) = (Kinds::new(town), patient(town));
    let document = write(folder.path(), "quyet-dinh.pdf", &sample());
    let signature = write(folder.path(), "quyet-dinh.pdf.p7s", &kinds.p7s);
    let container = write(folder.path(), "ho-so.asice", &kinds.asice);
    let letter = write(folder.path(), "thu.xml", &kinds.xml);
    let enveloping = write(folder.path(), "quyet-dinh.pdf.p7m", &kinds.p7m);
    for (page, valid, unclear, width, height) in [
        ("/kiem-tra", "Chữ ký hợp lệ", "Chưa thể kết luận", 360, 740),
        ("/verify", "The signatures are valid", "No conclusion is possible yet", 360, 740),
        ("/kiem-tra", "Chữ ký hợp lệ", "Chưa thể kết luận", 1280, 900),
        ("/verify", "The signatures are valid", "No conclusion is possible yet", 1280, 900),
    ] {
        let browser = driver.browser(width, height);
        let lang = &page[1..];
        browser.open(&format!("http://{}{page}", server.address()));
        browser.picture(&format!("kinds-{width}-{lang}"));
        let card = |files: &[&PathBuf], heading: &str, name: &str| {
            browser.choose_all("#file", files);
            browser.wait_for(&format!(".result h3 | {heading}"));
            assert_eq!(browser.script("return document.querySelectorAll('.result').length"), 1);
            browser.fits(width);
            assert_eq!(browser.script(CONTRAST), json!([]), "{page} {name}");
            browser.picture(&format!("kinds-{width}-{lang}-{name}"));
        };
        for (file, name) in [(&container, "container"), (&letter, "xml"), (&enveloping, "p7m")] {
            card(&[file], valid, name);
        }
        card(&[&document, &signature], valid, "together");
        card(&[&signature], unclear, "alone");
        // The document afterwards, in the field for it: the same signature again, now with what it is about.
        browser.script("document.querySelector('#apart').open = true");
        browser.script("document.querySelector('#results').replaceChildren()");
        browser.choose_all("#detached", &[&document]);
        browser.wait_for(&format!(".result h3 | {valid}"));
        browser.fits(width);
        browser.picture(&format!("kinds-{width}-{lang}-apart"));
        assert_eq!(browser.script(CONTRAST), json!([]), "{page}");
        // A container has no use for it.
        card(&[&container], valid, "after");
    }
}

/// An encrypted file asks for its password, and is judged once that is there.
#[test]
fn people_open_an_encrypted_file_with_its_password() {
    let Some(pdf) = passwords::encrypted(&["256"]) else { return };
    let Some(town) = town() else { return };
    let Some(driver) = Driver::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (locked, server) = (write(folder.path(), "mat.pdf", &pdf), patient(town));
    for (page, unread, unsigned, width, height) in [
        ("/kiem-tra", "Không đọc được tệp", "Văn bản không có chữ ký số", 360, 740),
        ("/verify", "The file cannot be read", "The document has no digital signature", 1280, 900),
    ] {
        let browser = driver.browser(width, height);
        browser.open(&format!("http://{}{page}", server.address()));
        assert_eq!(browser.script("return document.querySelector('#locked').open"), false);
        browser.choose(&locked);
        browser.wait_for(&format!(".result h3 | {unread}"));
        assert_eq!(browser.script("return document.querySelector('#locked').open"), true);
        browser.fits(width);
        browser.picture(&format!("locked-{width}"));
        assert_eq!(browser.script(CONTRAST), json!([]), "{page}");
        browser.type_into("#password", passwords::SECRET);
        browser.press(ENTER);
        browser.wait_for(&format!(".result h3 | {unsigned}"));
        // A file without one is judged all the same.
        browser.choose(&write(folder.path(), "quyet-dinh.pdf", &sample()));
        browser.wait_for(&format!(".result h3 | {unsigned}"));
        assert!(!browser.script("return document.body.innerHTML").to_string().contains(passwords::SECRET));
    }
}

#[test]
fn the_page_works_with_a_keyboard_alone() {
    let Some(town) = town() else { return };
    let Some(driver) = Driver::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let signed = write(folder.path(), "quyet-dinh.pdf", town.signed_pdf());
    let browser = driver.browser(1280, 900);
    browser.open(&town.url("/kiem-tra"));

    let mut reached = Vec::new();
    for _ in 0..12 {
        browser.press(TAB);
        let seen = browser.script(
            "const it = document.activeElement; const box = it.closest('.drop') ?? it; \
             const style = getComputedStyle(box); \
             return [it.className || it.id || it.tagName, style.outlineStyle, parseFloat(style.outlineWidth)]",
        );
        let name = seen[0].as_str().unwrap().to_owned();
        if name == "BODY" {
            break;
        }
        assert!(
            seen[1] != "none" && seen[2].as_f64().unwrap() >= 2.0,
            "the focus on {name} is not seen: {seen}"
        );
        reached.push(name);
    }
    assert_eq!(reached.first().map(String::as_str), Some("skip"), "{reached:?}");
    assert!(reached.iter().any(|name| name == "file"), "{reached:?}");

    browser.choose(&signed);
    browser.wait_for(".result h3 | Chữ ký hợp lệ");
    // From the answer on to the folded details, and open them.
    for _ in 0..12 {
        browser.press(TAB);
        if browser.script("return document.activeElement.tagName") == "SUMMARY" {
            break;
        }
    }
    assert_eq!(browser.script("return document.activeElement.tagName"), "SUMMARY");
    browser.press(ENTER);
    assert_eq!(browser.script("return document.activeElement.parentElement.open"), true);
    assert!(
        browser
            .script("return document.querySelector('details[open]').textContent")
            .to_string()
            .contains("TOTAL-PASSED")
    );
}

#[test]
fn the_words_stand_out_from_what_is_behind_them() {
    let Some(town) = town() else { return };
    let Some(driver) = Driver::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let browser = driver.browser(1280, 900);
    let files = [
        write(folder.path(), "a.pdf", town.signed_pdf()),
        write(folder.path(), "b.pdf", &sample()),
        write(folder.path(), "c.pdf", b"no pdf"),
    ];
    for path in ["/", "/kiem-tra", "/docs", "/problems", "/problems/key.scope"] {
        browser.open(&town.url(path));
        if path == "/kiem-tra" {
            for file in &files {
                browser.choose(file);
                browser.wait_for(&format!(".file | {}", file.file_name().unwrap().to_string_lossy()));
                assert_eq!(browser.script(CONTRAST), json!([]), "{path} with {}", file.display());
            }
        }
        assert_eq!(browser.script(CONTRAST), json!([]), "{path}");
        let unnamed = "return [...document.querySelectorAll('a,button,input,summary')] \
            .filter((it) => it.checkVisibility() && !(it.textContent.trim() || it.getAttribute('aria-label') || it.labels?.length)) \
            .map((it) => it.outerHTML)";
        assert_eq!(browser.script(unnamed), json!([]), "{path}");
        let headings = browser.script(
            "return [...document.querySelectorAll('h1,h2,h3,h4')].filter((it) => it.checkVisibility()).map((it) => Number(it.tagName[1]))",
        );
        let levels: Vec<u64> = headings.as_array().unwrap().iter().filter_map(Value::as_u64).collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{path}: {levels:?}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{path} skips a level: {levels:?}");
    }
}

/// Every text whose contrast with its background is under WCAG 2.2 AA (4.5, or 3 for large text).
const CONTRAST: &str = r"
const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const read = (text) => { const n = text.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
const behind = (it) => {
  const layers = [];
  for (; it; it = it.parentElement) {
    const style = getComputedStyle(it);
    const gradient = style.backgroundImage.match(/rgba?\([^)]*\)/);
    layers.push(gradient ? read(gradient[0]) : read(style.backgroundColor));
  }
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
};
const bad = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const it = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !it.checkVisibility() || it.closest('.skip,script,style')) continue;
  const style = getComputedStyle(it);
  const ground = behind(it);
  const ink = over(read(style.color), ground);
  const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) bad.push([walk.currentNode.data.trim().slice(0, 40), ratio.toFixed(2)]);
}
return bad;
";

const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

/// chromedriver on a port of its own choice.
struct Driver {
    child: Child,
    agent: ureq::Agent,
    url: String,
}

impl Driver {
    /// `None`, after saying so, where Chromium or its driver is not installed.
    fn start() -> Option<Self> {
        let (driver, _browser) = (tool("chromedriver")?, tool("chromium")?);
        let mut child = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            line.contains("successfully")
                .then(|| line.chars().filter(char::is_ascii_digit).collect::<String>())
        });
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_mins(1)))
            .build();
        Some(Self { child, agent: config.into(), url: format!("http://127.0.0.1:{}", port.expect("a port")) })
    }

    fn browser(&self, width: u32, height: u32) -> Browser<'_> {
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--force-prefers-reduced-motion",
            "--lang=vi",
        ]
        .map(str::to_owned);
        let data = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<_> = arguments.into_iter().chain([data]).collect();
        // The window's narrowest width is wider than a telephone: the device is emulated.
        let options = json!({
            "args": arguments,
            "mobileEmulation": { "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.0, "touch": false } },
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": options } } });
        let session = self.call("POST", "/session", &wanted);
        let id = session["sessionId"].as_str().expect("a session").to_owned();
        Browser { driver: self, id, _profile: profile }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.url);
        let answer = match method {
            "DELETE" => self.agent.delete(url).call(),
            "GET" => self.agent.get(url).call(),
            _ => self.agent.post(url).content_type("application/json").send(body.to_string()),
        };
        let mut answer = answer.unwrap();
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(answer.status().is_success(), "{path}: {}", value["value"]["message"]);
        value["value"].clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

struct Browser<'a> {
    driver: &'a Driver,
    id: String,
    _profile: tempfile::TempDir,
}

impl Browser<'_> {
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.driver.call(method, &format!("/session/{}{path}", self.id), body)
    }

    fn open(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url }));
    }

    fn script(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// An attribute of the first element that fits.
    fn text(&self, selector: &str, attribute: &str) -> Value {
        self.script(&format!("return document.querySelector('{selector}').getAttribute('{attribute}')"))
    }

    /// Types into the first element that fits.
    fn type_into(&self, selector: &str, text: &str) {
        let found = self.call("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        let element = found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.call("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Gives the file to the page's input, as the dialog would.
    fn choose(&self, file: &Path) {
        self.choose_all("#file", &[file]);
    }

    /// The same with several files, and any input.
    fn choose_all(&self, input: &str, files: &[impl AsRef<Path>]) {
        self.script(&format!(
            "document.querySelector('#results').replaceChildren(); document.querySelector('{input}').value = ''"
        ));
        let files: Vec<&str> = files.iter().map(|file| file.as_ref().to_str().unwrap()).collect();
        self.type_into(input, &files.join("\n"));
    }

    fn press(&self, key: &str) {
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": [
            { "type": "keyDown", "value": key }, { "type": "keyUp", "value": key },
        ] }] });
        self.call("POST", "/actions", &actions);
    }

    /// Waits until an element of the selector before `|` has the text after it.
    fn wait_for(&self, what: &str) -> String {
        let (selector, text) = what.split_once(" | ").unwrap();
        let script = format!(
            "return [...document.querySelectorAll('{selector}')].map((it) => it.textContent.trim()).find((it) => it === '{text}') ?? null"
        );
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Some(found) = self.script(&script).as_str() {
                return found.to_owned();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{what} did not appear in\n{}", self.script("return document.body.innerText"));
    }

    /// Nothing is cut off or has to be scrolled sideways.
    fn fits(&self, width: u32) {
        let widest = self.script("return document.documentElement.scrollWidth").as_u64().unwrap();
        assert!(widest <= u64::from(width), "the page is {widest} wide on {width}");
    }

    /// Keeps a picture of the whole page where `KYSO_PICTURES` says, for people to look at.
    fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("KYSO_PICTURES").map(PathBuf::from) else { return };
        let size = self
            .script("return [document.documentElement.clientWidth, document.documentElement.scrollHeight]");
        let run = |cmd: &str, params: Value| {
            self.call("POST", "/goog/cdp/execute", &json!({ "cmd": cmd, "params": params }))
        };
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let shot = run("Page.captureScreenshot", json!({ "captureBeyondViewport": true, "clip": clip }));
        let png = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        self.call("DELETE", "", &Value::Null);
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

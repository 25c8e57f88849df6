//! The house itself: floors, docs, commands.
//!
//! The compiler cannot see floors inside one package, so these tests read the sources.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support;

#[test]
fn no_room_uses_a_room_above_it() {
    let rooms = rooms(&read("src/lib.rs"));
    assert!(rooms.len() > 15, "the directory in src/lib.rs was not understood: {rooms:?}");
    assert_eq!(rooms.first().map(String::as_str), Some("base"));
    let mut climbs = Vec::new();
    let mut uses_seen = 0;
    for path in sources() {
        let module = module_path(&path);
        let tokens = tokens(&read(&path));
        let uses = uses(&tokens, module.len());
        uses_seen += uses.len();
        climbs.extend(climbing(&rooms, &module, &uses).into_iter().map(|climb| format!("{path}:{climb}")));
    }
    assert!(uses_seen > 10, "hardly any use was found: the reader of sources is blind");
    assert!(climbs.is_empty(), "uses that climb:\n{}", climbs.join("\n"));
}

#[test]
fn every_room_stands_in_the_directory() {
    let listed: BTreeSet<String> = rooms(&read("src/lib.rs")).into_iter().collect();
    let built: BTreeSet<String> =
        sources().iter().filter_map(|path| module_path(path).into_iter().next()).collect();
    assert_eq!(built, listed);
}

#[test]
fn a_climbing_use_is_named() {
    let rooms =
        rooms("// GROUND\npub mod base;\n\n// FORMATS\npub mod x509;\npub(crate) mod cms; // signed data\n");
    assert_eq!(rooms, ["base", "x509", "cms"]);
    let source = r##"
        //! [`crate::cms`] in a comment is no use; /* nor crate::cms::Here */
        use crate::{base::Limits, cms::{self, SignedData}, x509::Name};
        use super::super::cms::Attribute; // two up from src/x509/name.rs is the crate
        use super::Certificate;
        fn f<'a>(s: &'a str) -> char {
            let _ = "crate::cms::Text"; let _ = r#"crate::cms::"Raw""#; let _ = '"';
            crate::cms::read(s);
            crate::x509::read(s); $crate::base::f(); mycrate::cms::f();
            'c'
        }
        #[cfg(test)]
        mod tests {
            use crate::cms::SignedData;
            fn g() { if true { crate::cms::read() } }
        }
        fn after() { crate::cms::again() }
    "##;
    let module = module_path("src/x509/name.rs");
    assert_eq!(module, ["x509", "name"]);
    let found = climbing(&rooms, &module, &uses(&tokens(source), module.len()));
    assert_eq!(
        found,
        [
            "3: x509 uses cms, which lies above it",
            "4: x509 uses cms, which lies above it",
            "8: x509 uses cms, which lies above it",
            "17: x509 uses cms, which lies above it",
        ]
    );
    let above = module_path("src/cms/mod.rs");
    assert_eq!(above, ["cms"]);
    assert!(
        climbing(&rooms, &above, &uses(&tokens("use crate::{base, x509}; use super::x509;"), 1)).is_empty()
    );
}

#[test]
fn nothing_is_left_for_later() {
    let mut left = Vec::new();
    for path in sources() {
        let text = read(&path);
        for (number, line) in text.lines().enumerate() {
            if ["TODO", "FIXME", "XXX:"].iter().any(|word| line.contains(word)) {
                left.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
        for pair in tokens(&text).windows(2) {
            let [Token { text: name, line }, next] = pair else { continue };
            if ["todo", "unimplemented", "dbg"].contains(&name.as_str()) && next.text == "!" {
                left.push(format!("{path}:{line}: {name}!"));
            }
        }
    }
    assert!(left.is_empty(), "left for later:\n{}", left.join("\n"));
}

#[test]
fn unsafe_stays_in_the_token_room_and_states_its_reason() {
    let mut wrong = Vec::new();
    for path in sources() {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().collect();
        let tokens = tokens(&text);
        for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.text == "unsafe") {
            if !path.starts_with("src/token") {
                wrong.push(format!("{path}:{}: unsafe outside src/token", token.line));
            }
            // `#[unsafe(no_mangle)]` states its reason where the lint is expected; a block just above itself.
            let is_attribute = tokens.get(at + 1).is_some_and(|next| next.text == "(");
            let near = &lines[token.line.saturating_sub(12)..token.line];
            let excused = if is_attribute {
                text.contains("unsafe_code") && text.contains("reason = ")
            } else {
                near.iter().any(|line| line.contains("SAFETY") || line.contains("# Safety"))
            };
            if !excused {
                wrong.push(format!("{path}:{}: no SAFETY reason above it", token.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_tells_where_it_was_written() {
    // Split, so that this file does not name them.
    let forbidden: Vec<String> = ["ho/me", "ro/ot", "Use/rs", "wo/rk"]
        .iter()
        .map(|dir| format!("/{}/", dir.replace('/', "")))
        .collect();
    let mut found = Vec::new();
    for path in tracked() {
        let Ok(text) = fs::read_to_string(support::root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            if forbidden.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "paths of somebody's machine:\n{}", found.join("\n"));
    for line in read("Cargo.lock").lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(line, r#"source = "registry+https://github.com/rust-lang/crates.io-index""#);
    }
    let pinned = read("tests/interop/requirements.txt");
    assert!(pinned.lines().all(|line| line.contains("==") && !line.starts_with('-')), "{pinned}");
}

#[test]
fn dev_explains_itself() {
    let dev = |arguments: &[&str]| {
        // From elsewhere, as people do.
        let output = Command::new(support::root().join("dev")).args(arguments).current_dir("/").output();
        let output = output.expect("./dev runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (status, help, errors) = dev(&[]);
    assert_eq!((status, errors.as_str()), (Some(0), ""));
    assert_eq!(dev(&["help"]).1, help);
    let verbs = ["demo", "test", "lint", "bench", "certs", "help"];
    let script = read("dev");
    for verb in verbs {
        assert!(
            help.lines().any(|line| line.starts_with(&format!("  {verb} "))),
            "{verb} is not in the help"
        );
        let branch = script.lines().map(str::trim_start);
        assert!(
            branch
                .into_iter()
                .any(|line| line.starts_with(verb) && line[verb.len()..].starts_with([')', ' '])),
            "{verb} is not in the script"
        );
    }
    let (status, out, errors) = dev(&["demonstrate"]);
    assert_eq!((status, out.as_str()), (Some(64), ""));
    assert!(errors.contains("\"demonstrate\"") && errors.contains(&help), "{errors}");
    assert_eq!(dev(&["certs", "everything"]).0, Some(64));
}

#[test]
fn ci_runs_what_people_run() {
    let script = read(".ci/run");
    let commands: Vec<&str> =
        script.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert!(matches!(commands[..], [only] if only.ends_with("/dev\" test")), "{commands:?}");
}

/// Every `kyso` and `./dev` command of the README, with each of its flags, is one that the program knows.
#[test]
fn the_readme_tells_no_command_that_does_not_exist() {
    let readme = read("README.md");
    let (kyso, dev): (Vec<_>, Vec<_>) = commands(&readme).into_iter().partition(|words| words[0] == "kyso");
    assert!(!dev.is_empty() && !kyso.is_empty(), "the README shows no command");
    let known = read("dev");
    for words in dev {
        let verb = words.get(1).expect("a verb");
        assert!(known.contains(&format!("\n  {verb} ")), "./dev has no verb {verb}");
    }
    for words in kyso {
        let verbs: Vec<&str> = words[1..]
            .iter()
            .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()))
            .map(String::as_str)
            .collect();
        let help = (1..=verbs.len()).rev().find_map(|count| help_of(&verbs[..count]));
        let help = help.unwrap_or_else(|| panic!("kyso {} is not a command", verbs.join(" ")));
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            let flag = flag.split('=').next().unwrap_or(flag);
            assert!(help.contains(flag), "kyso {} has no {flag}", verbs.join(" "));
        }
    }
}

#[test]
fn links_of_the_papers_lead_somewhere() {
    let mut lost = Vec::new();
    for paper in tracked().iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = read(paper.to_str().expect("a name in UTF-8"));
        // `](target)`: what is no address elsewhere must be a file beside the paper.
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            let file = support::root().join(paper).parent().map(|folder| folder.join(target));
            if !elsewhere && !file.is_some_and(|file| file.exists()) {
                lost.push(format!("{}: {link}", paper.display()));
            }
        }
    }
    assert!(lost.is_empty(), "links to nothing:\n{}", lost.join("\n"));
}

#[test]
fn the_samples_say_in_pdf_what_they_say_in_html() {
    let Some(pdftotext) = support::tool("pdftotext") else { return };
    for name in ["quyet-dinh", "phu-luc", "cong-van"] {
        let pdf = support::root().join(format!("samples/{name}.pdf"));
        let output = support::run(Command::new(&pdftotext).arg("-layout").arg(&pdf).arg("-"));
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        let page = read(&format!("samples/{name}.html"));
        let (_, body) = page.split_once("<body>").expect("a body");
        let missing: Vec<String> = {
            let printed: BTreeSet<String> = words(&printed).collect();
            words(&untagged(body)).filter(|word| !printed.contains(word)).collect()
        };
        // Byte by byte: a diacritic in another normal form would be another word.
        assert!(missing.is_empty(), "{name}.pdf lacks {missing:?}: run samples/in.sh");
        let size = fs::metadata(&pdf).expect("a file").len();
        assert!(size < 100_000, "{name}.pdf has {size} bytes; the program carries it");
    }
}

fn untagged(html: &str) -> String {
    let pieces = html.split('<').filter_map(|piece| piece.split_once('>').map(|(_, text)| text));
    pieces.collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned)
}

#[test]
fn commands_are_found_in_a_readme() {
    let text = "Run `kyso verify`.\n```sh\n./dev demo --once  # all\nkyso sign in.pdf \\\n  -o out.pdf --tsa URL\ncurl x\n```\nkyso gone\n";
    assert_eq!(
        commands(text),
        [vec!["./dev", "demo", "--once"], vec!["kyso", "sign", "in.pdf", "-o", "out.pdf", "--tsa", "URL"],]
    );
}

/// The commands in the fenced blocks of a Markdown text, as words; only `kyso` and `./dev`.
fn commands(markdown: &str) -> Vec<Vec<String>> {
    let mut fenced = false;
    let mut commands: Vec<Vec<String>> = Vec::new();
    let mut continues = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if !fenced {
            continue;
        }
        let code = line.split(" #").next().unwrap_or(line).trim();
        let (code, more) = code.strip_suffix('\\').map_or((code, false), |code| (code, true));
        let words: Vec<String> = code.split_whitespace().map(str::to_owned).collect();
        match (continues, commands.last_mut()) {
            (true, Some(command)) => command.extend(words),
            _ => commands.push(words),
        }
        continues = more;
    }
    commands.retain(|words| words.first().is_some_and(|word| word == "kyso" || word == "./dev"));
    commands
}

/// What `kyso VERB… --help` prints, if there is such a verb.
fn help_of(verbs: &[&str]) -> Option<String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_kyso")).args(verbs).arg("--help").output().expect("kyso runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The names of the modules that a directory declares, in its order.
fn rooms(directory: &str) -> Vec<String> {
    let tokens = tokens(directory);
    let declarations = tokens.windows(3).filter(|three| three[0].text == "mod" && three[2].text == ";");
    declarations.map(|three| three[1].text.clone()).collect()
}

/// `src/cms/read.rs` is the module `cms::read`.
fn module_path(source: &str) -> Vec<String> {
    let inner = source.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    inner.split('/').map(str::to_owned).collect()
}

/// The line and the first module of each path from the root of the crate.
fn uses(tokens: &[Token], depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.text == text);
    for start in 0..tokens.len() {
        // Where the path goes on after its way up to the root, if it goes there.
        let rest = if is(start, "crate") && is(start + 1, "::") {
            start + 2
        } else if is(start, "super") && !(start >= 2 && is(start - 1, "::") && is(start - 2, "super")) {
            let ups =
                (0..).take_while(|up| is(start + 2 * up, "super") && is(start + 2 * up + 1, "::")).count();
            if ups < depth || depth == 0 {
                continue;
            }
            start + 2 * ups
        } else {
            continue;
        };
        if !is(rest, "{") {
            found.extend(tokens.get(rest).map(|token| (token.line, token.text.clone())));
            continue;
        }
        // A group: the first word of each of its items.
        let mut level = 0;
        for (at, token) in tokens.iter().enumerate().skip(rest) {
            match token.text.as_str() {
                "{" => level += 1,
                "}" => level -= 1,
                name if level == 1 && (is(at - 1, "{") || is(at - 1, ",")) => {
                    found.push((token.line, name.to_owned()));
                }
                _ => {}
            }
            if level == 0 {
                break;
            }
        }
    }
    found
}

fn climbing(rooms: &[String], module: &[String], uses: &[(usize, String)]) -> Vec<String> {
    let floor = |name: &str| rooms.iter().position(|room| room == name);
    let Some(own) = module.first().and_then(|room| floor(room)) else { return Vec::new() };
    let above = uses.iter().filter(|(_, used)| floor(used).is_some_and(|floor| floor > own));
    above.map(|(line, used)| format!("{line}: {} uses {used}, which lies above it", module[0])).collect()
}

/// A word or a mark of Rust source, and its line from 1.
#[derive(Debug)]
struct Token {
    text: String,
    line: usize,
}

/// The words and marks of a Rust source, without comments, literals and `#[cfg(test)]` modules.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut at = 0;
    let get = |at: usize| chars.get(at).copied().unwrap_or('\0');
    while at < chars.len() {
        let start = at;
        let here = get(at);
        if here == '/' && get(at + 1) == '/' {
            while at < chars.len() && get(at) != '\n' {
                at += 1;
            }
        } else if here == '/' && get(at + 1) == '*' {
            at = block_comment_end(&chars, at);
        } else if let Some(end) = raw_string_end(&chars, at) {
            at = end;
        } else if here == '"' {
            at = quoted_end(&chars, at, '"');
        } else if here == '\'' {
            // A lifetime has no closing quote: 'a but not 'a' or '\n'.
            let is_char = get(at + 1) == '\\' || get(at + 2) == '\'';
            at = if is_char { quoted_end(&chars, at, '\'') } else { at + 1 };
        } else if here.is_alphanumeric() || here == '_' {
            while get(at).is_alphanumeric() || get(at) == '_' {
                at += 1;
            }
            tokens.push(Token { text: chars[start..at].iter().collect(), line });
        } else if here == ':' && get(at + 1) == ':' {
            at += 2;
            tokens.push(Token { text: "::".to_owned(), line });
        } else {
            at += 1;
            if !here.is_whitespace() {
                tokens.push(Token { text: here.to_string(), line });
            }
        }
        line += chars[start..at].iter().filter(|&&c| c == '\n').count();
    }
    without_test_modules(tokens)
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// `r"…"`, `r#"…"#`, `br"…"`, when one begins here.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let before = start.checked_sub(1).map(|at| chars[at]);
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let mut at = start;
    at += usize::from(matches!(chars.get(at), Some('b' | 'c')));
    (chars.get(at) == Some(&'r')).then_some(())?;
    at += 1;
    let hashes = chars[at..].iter().take_while(|&&c| c == '#').count();
    at += hashes;
    (chars.get(at) == Some(&'"')).then_some(())?;
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let length = chars[at + 1..].windows(closing.len()).position(|window| window == closing)?;
    Some(at + 1 + length + closing.len())
}

fn quoted_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn without_test_modules(tokens: Vec<Token>) -> Vec<Token> {
    const HEAD: [&str; 8] = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    let mut tail: Vec<Token> = Vec::new();
    while let Some(token) = tokens.next() {
        tail.push(token);
        if tail.len() < HEAD.len() {
            continue;
        }
        if tail.iter().map(|token| token.text.as_str()).eq(HEAD) {
            tail.clear();
            let mut level = 0;
            for token in tokens.by_ref() {
                match token.text.as_str() {
                    "{" => level += 1,
                    "}" => level -= 1,
                    _ => {}
                }
                if level == 0 && ["}", ";"].contains(&token.text.as_str()) {
                    break;
                }
            }
        } else {
            kept.push(tail.remove(0));
        }
    }
    kept.extend(tail);
    kept
}

fn read(path: &str) -> String {
    fs::read_to_string(support::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Rust files of `src`, relative to the root, but for the directory and the program's one line.
fn sources() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![support::root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                found.push(relative(&entry).to_str().expect("a name in UTF-8").to_owned());
            }
        }
    }
    found.retain(|path| path != "src/lib.rs" && path != "src/main.rs");
    found.sort();
    found
}

/// The files of the project: those that git knows, or would take in.
fn tracked() -> Vec<PathBuf> {
    let mut command = Command::new("git");
    command
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(support::root());
    let output = support::run(&mut command);
    let names = String::from_utf8(output.stdout).expect("names in UTF-8");
    names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

fn relative(path: &Path) -> &Path {
    path.strip_prefix(support::root()).expect("a file of the project")
}

//! A JSON object with one very long Base64 string in it, taken in as it comes: the string goes to a file, decoded on
//! the way, and what is left is small enough to be read as JSON is.

use axum::extract::Request;
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::Value;

use super::{Refusal, RequestError};
use crate::{
    config::LimitSettings,
    http::{
        problem::{self, Problem},
        upload::{self, Staging, Upload},
    },
};

/// What a client asked for.
pub(super) struct Asked {
    pub(super) document: Upload,
    /// The policy that it named.
    pub(super) policy: Option<String>,
}

/// Takes in a request to validate.
pub(super) async fn receive(request: Request, limits: &LimitSettings) -> Result<Asked, Refusal> {
    if upload::media_type(request.headers()) != "application/json" {
        return Err(Problem::new(&problem::UNSUPPORTED_MEDIA_TYPE).into());
    }
    let most =
        limits.upload_bytes.saturating_add(limits.upload_bytes / 3).saturating_add(MAX_ENVELOPE as u64);
    let (parts, body) = request.into_parts();
    upload::refuse_announced(&parts.headers, most)?;
    let mut staging = Staging::begin(limits.upload_bytes).await?;
    let (mut splitter, mut decoder) = (Splitter::default(), Decoder::default());
    let mut chunks = std::pin::pin!(upload::body_chunks(body));
    let (mut characters, mut taken) = (Vec::new(), 0_u64);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        taken += chunk.len() as u64;
        splitter.take(&chunk, &mut characters)?;
        if taken > most {
            return Err(Problem::new(&problem::TOO_LARGE).into());
        }
        staging.write(&decoder.take(&mut characters)?).await?;
    }
    staging.write(&decoder.finish()?).await?;
    let envelope: Envelope = serde_json::from_slice(&splitter.rest)
        .map_err(|_| Refusal::of("request", "The body is not a well-formed JSON object"))?;
    let (filename, policy) = envelope.check(splitter.found)?;
    let document = staging.finish(filename).await?;
    if document.len == 0 {
        return Err(Refusal::of("document", EMPTY));
    }
    Ok(Asked { document, policy })
}

/// The request without its document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(default)]
    document: Value,
    #[serde(default)]
    filename: Value,
    #[serde(default)]
    signature_policy: Value,
    #[serde(default)]
    report_type: Value,
}

impl Envelope {
    /// File name and policy, or all that is wrong.
    fn check(self, found: bool) -> Result<(String, Option<String>), Refusal> {
        let mut errors = Vec::new();
        let mut wrong = |key, message: &str| errors.push(RequestError { key, message: message.to_owned() });
        // What the splitter took is an empty string here.
        if !found || self.document != "" {
            wrong("document", EMPTY);
        }
        let filename = self.filename.as_str().unwrap_or_default();
        if filename.is_empty() {
            wrong("filename", EMPTY);
        } else if filename.chars().count() > MAX_FILENAME {
            wrong("filename", "size must be between 1 and 255");
        }
        match &self.report_type {
            Value::Null => {}
            Value::String(name) if REPORTS.iter().any(|known| known.eq_ignore_ascii_case(name)) => {}
            _ => wrong("reportType", "Invalid report type"),
        }
        let policy = match self.signature_policy {
            Value::Null => None,
            Value::String(name) if !name.is_empty() && name.len() <= MAX_POLICY && is_word(&name) => {
                Some(name)
            }
            _ => {
                wrong("signaturePolicy", "Invalid signature policy");
                None
            }
        };
        if errors.is_empty() { Ok((upload::clean_name(filename), policy)) } else { Err(Refusal::all(errors)) }
    }
}

/// The policy that a client names, if it could be the name of one.
pub(super) fn read_policy(name: Option<&str>) -> Result<Option<&str>, Refusal> {
    match name {
        Some(name) if name.is_empty() || name.len() > MAX_POLICY || !is_word(name) => {
            Err(Refusal::of("signaturePolicy", "Invalid signature policy"))
        }
        name => Ok(name),
    }
}

/// Whether SiVa has a report of this name.
pub(super) fn check_report_type(name: Option<&str>) -> Result<(), Refusal> {
    match name {
        Some(name) if !REPORTS.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
            Err(Refusal::of("reportType", "Invalid report type"))
        }
        _ => Ok(()),
    }
}

fn is_word(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Takes the string of the top-level member `document` out of a JSON text.
///
/// It follows strings and brackets only; whether the rest is well formed, a JSON reader says afterwards.
#[derive(Default)]
struct Splitter {
    /// The text with an empty string in place of the one taken out.
    rest: Vec<u8>,
    /// Whether one was taken out.
    found: bool,
    depth: u32,
    state: State,
    /// The string before the last colon at the top level, as written.
    key: Vec<u8>,
    after_colon: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    /// In a string that stays; whether the last character was a backslash.
    Kept { escaped: bool },
    /// In the string that is taken out.
    Taken,
    /// After a backslash in it.
    Escape,
    /// After `\u` in it: digits so far and their value.
    Unicode { digits: u8, value: u32 },
}

impl Splitter {
    /// Takes the next bytes; characters of the document's string are added to `characters`.
    fn take(&mut self, bytes: &[u8], characters: &mut Vec<u8>) -> Result<(), Refusal> {
        for &byte in bytes {
            match self.state {
                State::Between => self.between(byte),
                State::Kept { escaped } => {
                    self.rest.push(byte);
                    if self.depth == 1 && !self.after_colon && byte != b'"' {
                        self.key.push(byte);
                    }
                    self.state = match byte {
                        b'"' if !escaped => State::Between,
                        b'\\' if !escaped => State::Kept { escaped: true },
                        _ => State::Kept { escaped: false },
                    };
                }
                State::Taken => match byte {
                    b'"' => {
                        self.rest.push(byte);
                        self.state = State::Between;
                    }
                    b'\\' => self.state = State::Escape,
                    _ => characters.push(byte),
                },
                State::Escape => {
                    self.state = State::Taken;
                    match byte {
                        b'/' => characters.push(byte),
                        b'n' => characters.push(b'\n'),
                        b'r' => characters.push(b'\r'),
                        b't' => characters.push(b'\t'),
                        b'u' => self.state = State::Unicode { digits: 0, value: 0 },
                        _ => return Err(not_base64()),
                    }
                }
                State::Unicode { digits, value } => {
                    let digit = char::from(byte).to_digit(16).ok_or_else(not_base64)?;
                    let value = value * 16 + digit;
                    self.state = State::Unicode { digits: digits + 1, value };
                    if digits == 3 {
                        characters.push(u8::try_from(value).map_err(|_| not_base64())?);
                        self.state = State::Taken;
                    }
                }
            }
            if self.rest.len() > MAX_ENVELOPE {
                return Err(Problem::new(&problem::TOO_LARGE).into());
            }
        }
        Ok(())
    }

    fn between(&mut self, byte: u8) {
        self.rest.push(byte);
        let top = self.depth == 1;
        match byte {
            b'"' if top && self.after_colon && self.key == b"document" => {
                self.found = true;
                self.state = State::Taken;
            }
            b'"' => {
                if top && !self.after_colon {
                    self.key.clear();
                }
                self.state = State::Kept { escaped: false };
            }
            b':' if top => self.after_colon = true,
            b',' if top => self.after_colon = false,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Base64 as it comes, with line breaks or without.
#[derive(Default)]
struct Decoder {
    /// Fewer than four characters that wait for the rest.
    left: Vec<u8>,
    /// Padding was seen: nothing may follow.
    ended: bool,
}

impl Decoder {
    /// What these characters, which are taken out, decode to so far.
    fn take(&mut self, characters: &mut Vec<u8>) -> Result<Vec<u8>, Refusal> {
        self.left.extend(characters.drain(..).filter(|byte| !matches!(byte, b'\r' | b'\n' | b'\t' | b' ')));
        if self.ended && !self.left.is_empty() {
            return Err(not_base64());
        }
        let whole = self.left.len() - self.left.len() % 4;
        let rest = self.left.split_off(whole);
        let ready = std::mem::replace(&mut self.left, rest);
        self.ended = ready.last() == Some(&b'=');
        ENGINE.decode(ready).map_err(|_| not_base64())
    }

    /// The last bytes.
    fn finish(self) -> Result<Vec<u8>, Refusal> {
        ENGINE.decode(self.left).map_err(|_| not_base64())
    }
}

fn not_base64() -> Refusal {
    Refusal::of("document", "Document is not encoded in a valid base64 string")
}

/// With padding or without, as clients do it.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const EMPTY: &str = "must not be empty";
const REPORTS: [&str; 3] = ["Simple", "Detailed", "Diagnostic"];
pub(super) const MAX_FILENAME: usize = 255;
const MAX_POLICY: usize = 64;
/// Everything but the document: a file name and two words.
const MAX_ENVELOPE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The document and the rest, fed in pieces of `step` bytes.
    fn split(text: &str, step: usize) -> Result<(Vec<u8>, String), String> {
        let (mut splitter, mut decoder) = (Splitter::default(), Decoder::default());
        let (mut characters, mut document) = (Vec::new(), Vec::new());
        let told = |refusal: Refusal| refusal.body.request_errors[0].message.clone();
        for chunk in text.as_bytes().chunks(step) {
            splitter.take(chunk, &mut characters).map_err(told)?;
            document.extend(decoder.take(&mut characters).map_err(told)?);
        }
        document.extend(decoder.finish().map_err(told)?);
        Ok((document, String::from_utf8(splitter.rest).unwrap()))
    }

    #[test]
    fn the_document_is_taken_out_wherever_it_stands() {
        for (text, rest) in [
            (r#"{"document":"YWJj","filename":"a"}"#, r#"{"document":"","filename":"a"}"#),
            (r#"{"filename":"document","document" : "YWJj"}"#, r#"{"filename":"document","document" : ""}"#),
            (r#"{"a":{"document":"xx"},"document":"YWJj"}"#, r#"{"a":{"document":"xx"},"document":""}"#),
            (r#"{"a":["document","x"],"document":"YW\nJj"}"#, r#"{"a":["document","x"],"document":""}"#),
            (r#"{"a":"\"document\":\"","document":"\u0059WJj"}"#, r#"{"a":"\"document\":\"","document":""}"#),
        ] {
            for step in [1, 2, 5, 1_000] {
                assert_eq!(split(text, step), Ok((b"abc".to_vec(), rest.to_owned())), "{text}");
            }
        }
        // Slashes as PHP writes them; no padding.
        assert_eq!(split(r#"{"document":"\/\/8"}"#, 3).unwrap().0, [0xff, 0xff]);
        assert_eq!(split(r#"{"document":"\/\/8="}"#, 3).unwrap().0, [0xff, 0xff]);
    }

    #[test]
    fn what_is_no_base64_is_told() {
        for text in [
            "{\"document\":\"YW=Jj\"}",
            "{\"document\":\"Y\"}",
            "{\"document\":\"YQ==YQ==\"}",
            "{\"document\":\"đ\"}",
            "{\"document\":\"YW\\\"Jj\"}",
            "{\"document\":\"\\ud83d\"}",
        ] {
            for step in [1, 4, 7, 100] {
                assert_eq!(
                    split(text, step),
                    Err("Document is not encoded in a valid base64 string".to_owned()),
                    "{text} in steps of {step}"
                );
            }
        }
    }

    #[test]
    fn the_rest_has_a_limit_and_a_broken_text_stays_broken() {
        let long = format!("{{\"filename\":\"{}\"}}", "a".repeat(MAX_ENVELOPE));
        assert!(split(&long, 1_000).is_err());
        for broken in
            ["{\"document\":\"YWJj\"", "\"document\":\"YWJj\"}", "{\"document\" \"YWJj\"}", "]]]]{{{"]
        {
            let rest = split(broken, 3).map(|(_, rest)| rest).unwrap_or_default();
            assert!(serde_json::from_str::<Envelope>(&rest).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_out_as_they_went_in(bytes: Vec<u8>, name in ".{0,40}", step in 1_usize..50) {
            let document = base64::engine::general_purpose::STANDARD.encode(&bytes);
            let text = serde_json::json!({"filename": name, "document": document, "x": [1, {"document": 2}]});
            let (found, rest) = split(&text.to_string(), step).unwrap();
            prop_assert_eq!(found, bytes);
            let rest: Value = serde_json::from_str(&rest).unwrap();
            prop_assert_eq!(rest["filename"].as_str(), Some(name.as_str()));
        }

        #[test]
        fn noise_is_refused_or_taken_without_panic(text in "[\\[\\]{}\":,\\\\a-fu0-9document/=]{0,200}", step in 1_usize..9) {
            let _ = split(&text, step);
        }
    }
}

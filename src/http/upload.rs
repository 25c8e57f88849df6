//! Files that come in: streamed to a temporary file, counted and hashed on the way.

use std::{io, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Multipart, Request, multipart::MultipartError},
    http::{HeaderMap, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{Stream, StreamExt as _};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use zeroize::Zeroizing;

use super::{
    extract::LONGEST_PASSWORD,
    problem::{self, Problem},
};
use crate::{
    base::{DigestAlgorithm, Password, Sha256, digest::Hasher},
    config::LimitSettings,
};

/// A file that came in. The temporary file goes when this is dropped.
#[derive(Debug)]
pub(super) struct Upload {
    /// The bytes.
    pub(super) file: NamedTempFile,
    /// Their number.
    pub(super) len: u64,
    /// Their digest.
    pub(super) sha256: Sha256,
    /// What the sender calls it, without folders.
    pub(super) name: String,
}

/// What a request brought.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// The files, in order.
    pub(super) files: Vec<Upload>,
    /// The files in parts named `detached`: what a signature among `files` is about.
    pub(super) detached: Vec<Upload>,
    /// What the field `password` of a multipart form says: it opens those of the files that are encrypted.
    pub(super) password: Option<Arc<Password>>,
    /// The other fields of a multipart form, in order.
    pub(super) fields: Vec<(String, String)>,
}

impl Form {
    /// The first field of this name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The only file.
    pub(super) fn only_file(mut self) -> Result<Upload, Problem> {
        self.files.append(&mut self.detached);
        let [file] = <[Upload; 1]>::try_from(self.files).map_err(|files| {
            Problem::new(&problem::MALFORMED).because(
                format!("Cần đúng một tệp, yêu cầu có {}.", files.len()),
                format!("Exactly one file is needed, the request has {}.", files.len()),
            )
        })?;
        Ok(file)
    }
}

/// Takes in a request's files: a raw body of `application/pdf`, XML, a CMS or a container, or `multipart/form-data`.
///
/// `most` is how many files are allowed. A raw body is checked against `Content-Digest` (RFC 9530).
pub(super) async fn receive(request: Request, limits: &LimitSettings, most: usize) -> Result<Form, Problem> {
    match media_type(request.headers()).as_str() {
        "application/cms"
        | "application/octet-stream"
        | "application/pdf"
        | "application/pkcs7-mime"
        | "application/pkcs7-signature"
        | "application/vnd.etsi.asic-e+zip"
        | "application/vnd.etsi.asic-s+zip"
        | "application/x-pkcs7-mime"
        | "application/xml"
        | "text/xml" => {
            let (parts, body) = request.into_parts();
            refuse_announced(&parts.headers, limits.upload_bytes)?;
            let name = disposition_name(&parts.headers).unwrap_or_else(|| "document.pdf".to_owned());
            let upload = stream_to_file(body_chunks(body), limits.upload_bytes, name).await?;
            check_content_digest(&parts.headers, upload.sha256)?;
            Ok(Form { files: vec![upload], ..Form::default() })
        }
        "multipart/form-data" => receive_multipart(request, limits, most).await,
        _ => Err(Problem::new(&problem::UNSUPPORTED_MEDIA_TYPE)),
    }
}

async fn receive_multipart(request: Request, limits: &LimitSettings, most: usize) -> Result<Form, Problem> {
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|error| Problem::new(&problem::MALFORMED).caused_by(&error))?;
    let mut form = Form::default();
    let mut left = limits.upload_bytes;
    let mut has_password = false;
    while let Some(part) = parts.next_field().await.map_err(|error| multipart_problem(&error))? {
        let field = part.name().unwrap_or_default().to_owned();
        if let Some(name) = part.file_name().map(clean_name) {
            let chunks = part.map(|chunk| chunk.map_err(|error| multipart_problem(&error)));
            let upload = stream_to_file(chunks, left, name).await?;
            left -= upload.len;
            if upload.len == 0 && upload.name.is_empty() {
                // A browser's empty file input.
                continue;
            }
            if form.files.len() + form.detached.len() == most {
                return Err(too_many_files(most));
            }
            if field == DETACHED { form.detached.push(upload) } else { form.files.push(upload) }
        } else if field == PASSWORD {
            if has_password {
                return Err(Problem::new(&problem::MALFORMED)
                    .because("Trường password có hai lần.", "The field password is there twice."));
            }
            has_password = true;
            form.password = read_password(part).await?;
        } else {
            if form.fields.len() == MAX_FIELDS {
                return Err(Problem::new(&problem::MALFORMED));
            }
            form.fields.push((field, read_text(part).await?));
        }
    }
    if form.files.is_empty() {
        return Err(Problem::new(&problem::MALFORMED)
            .because("Yêu cầu không có tệp nào.", "The request holds no file."));
    }
    Ok(form)
}

async fn read_text(mut part: axum::extract::multipart::Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|error| multipart_problem(&error))? {
        if bytes.len() + chunk.len() > MAX_FIELD_BYTES {
            return Err(Problem::new(&problem::TOO_LARGE)
                .because("Một trường của biểu mẫu quá dài.", "A field of the form is too long."));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|error| Problem::new(&problem::MALFORMED).caused_by(&error))
}

/// A password that is not empty; it is nowhere else when this ends but in what the network brought.
async fn read_password(
    mut part: axum::extract::multipart::Field<'_>,
) -> Result<Option<Arc<Password>>, Problem> {
    // Filled in place: a buffer that grows would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_PASSWORD));
    while let Some(chunk) = part.chunk().await.map_err(|error| multipart_problem(&error))? {
        if bytes.len() + chunk.len() > LONGEST_PASSWORD {
            return Err(Problem::new(&problem::TOO_LARGE)
                .because("Mật khẩu quá dài.", "The password is longer than 1,024 bytes."));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((!bytes.is_empty()).then(|| Arc::new(Password::new(std::mem::take(&mut *bytes)))))
}

async fn stream_to_file(
    chunks: impl Stream<Item = Result<Bytes, Problem>>,
    most: u64,
    name: String,
) -> Result<Upload, Problem> {
    let mut staging = Staging::begin(most).await?;
    let mut chunks = std::pin::pin!(chunks);
    while let Some(chunk) = chunks.next().await {
        staging.write(&chunk?).await?;
    }
    staging.finish(name).await
}

/// A file on its way in: counted and hashed as it is written.
pub(super) struct Staging {
    staged: NamedTempFile,
    file: tokio::fs::File,
    hasher: Hasher,
    len: u64,
    most: u64,
}

impl Staging {
    /// An empty temporary file that takes `most` bytes.
    pub(super) async fn begin(most: u64) -> Result<Self, Problem> {
        let staged = tokio::task::spawn_blocking(NamedTempFile::new)
            .await
            .map_err(|error| Problem::new(&problem::INTERNAL).caused_by(&error))?
            .map_err(|error| disk_problem(&error))?;
        let file = tokio::fs::File::from_std(staged.reopen().map_err(|error| disk_problem(&error))?);
        Ok(Self { staged, file, hasher: Hasher::new(DigestAlgorithm::Sha256), len: 0, most })
    }

    /// Takes the next bytes.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.len += bytes.len() as u64;
        if self.len > self.most {
            return Err(too_large(self.most));
        }
        self.hasher.update(bytes);
        self.file.write_all(bytes).await.map_err(|error| disk_problem(&error))
    }

    /// The whole file under this name.
    pub(super) async fn finish(mut self, name: String) -> Result<Upload, Problem> {
        self.file.flush().await.map_err(|error| disk_problem(&error))?;
        let mut sha256 = Sha256([0; 32]);
        sha256.0.copy_from_slice(&self.hasher.finish().bytes);
        Ok(Upload { file: self.staged, len: self.len, sha256, name })
    }
}

fn disk_problem(error: &io::Error) -> Problem {
    Problem::new(&problem::INTERNAL).caused_by(error)
}

pub(super) fn body_chunks(body: Body) -> impl Stream<Item = Result<Bytes, Problem>> {
    body.into_data_stream().map(|chunk| chunk.map_err(|error| body_problem(&error)))
}

/// A body that stopped: too slow for the timeout layer, or cut off by the client.
pub(super) fn body_problem(error: &(dyn std::error::Error + 'static)) -> Problem {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if inner.is::<tower_http::timeout::TimeoutError>() {
            return Problem::new(&problem::REQUEST_TIMEOUT);
        }
        cause = inner.source();
    }
    Problem::new(&problem::MALFORMED).caused_by(error)
}

pub(super) fn multipart_problem(error: &MultipartError) -> Problem {
    match error.status().as_u16() {
        413 => Problem::new(&problem::TOO_LARGE),
        _ => body_problem(error),
    }
}

fn too_large(most: u64) -> Problem {
    Problem::new(&problem::TOO_LARGE)
        .because(format!("Giới hạn là {most} byte."), format!("The limit is {most} bytes."))
}

fn too_many_files(most: usize) -> Problem {
    Problem::new(&problem::TOO_LARGE).because(
        format!("Mỗi lần gửi được nhiều nhất {most} tệp."),
        format!("One request may hold {most} files at most."),
    )
}

/// Refuses by the announced length, before a byte is read.
pub(super) fn refuse_announced(headers: &HeaderMap, most: u64) -> Result<(), Problem> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|len| len.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|len| len > most) { Err(too_large(most)) } else { Ok(()) }
}

/// The media type without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// `filename="…"` of Content-Disposition.
fn disposition_name(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_DISPOSITION)?.to_str().ok()?;
    let name = value.split(';').map(str::trim).find_map(|part| part.strip_prefix("filename="))?;
    Some(clean_name(name.trim_matches('"'))).filter(|name| !name.is_empty())
}

/// The last part of a path, without control characters, at most [`MAX_NAME`] characters.
pub(super) fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

/// Compares the `sha-256` member of Content-Digest, where the client sent one.
fn check_content_digest(headers: &HeaderMap, sha256: Sha256) -> Result<(), Problem> {
    let Some(value) = headers.get("content-digest").and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    for member in value.split(',').map(str::trim) {
        if let Some(expected) = member.strip_prefix("sha-256=")
            && expected != format!(":{}:", STANDARD.encode(sha256.0))
        {
            return Err(Problem::new(&problem::DIGEST_MISMATCH));
        }
    }
    Ok(())
}

/// The value of Content-Digest and Repr-Digest for these bytes (RFC 9530).
pub(super) fn content_digest(sha256: Sha256) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256.0))
}

/// The name of the parts that hold what a signature is about.
const DETACHED: &str = "detached";
/// The name of the part that holds the files' password.
const PASSWORD: &str = "password";

/// A form of ours has a handful.
const MAX_FIELDS: usize = 32;
const MAX_FIELD_BYTES: usize = 16 * 1024;
const MAX_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_neither_folders_nor_control_characters() {
        assert_eq!(clean_name("C:\\Users\\a\\Quyết định.pdf"), "Quyết định.pdf");
        assert_eq!(clean_name("../../etc/passwd\u{0}\n"), "passwd");
        assert_eq!(clean_name(&"a".repeat(1000)).len(), MAX_NAME);
    }

    #[test]
    fn content_digest_is_compared_where_it_is_given() {
        let digest = Sha256::of(b"abc");
        let mut headers = HeaderMap::new();
        assert!(check_content_digest(&headers, digest).is_ok());
        headers.insert("content-digest", content_digest(digest).parse().unwrap());
        assert!(check_content_digest(&headers, digest).is_ok());
        assert!(check_content_digest(&headers, Sha256::of(b"abd")).is_err());
    }
}

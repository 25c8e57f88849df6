//! What a file must be like before a signature is added to it.

use super::{Document, PdfError, Use, object::Object};

/// What is asked of the file: a new field, or one that is there.
pub(super) fn demand_signable(document: &Document, what: Use) -> Result<(), PdfError> {
    if let Some(permissions) = document.permissions() {
        permissions.demand(what)?;
    }
    demand_known_end(document)?;
    demand_one_form(document, what)
}

/// Bytes behind the last `%%EOF` become part of the new revision, and so of what is signed, as long as nobody can
/// take them for PDF: a program that repairs files looks for objects, tables and trailers wherever they are.
///
/// What a mail gateway or a web server left there (HTML, a signature line, a banner) is signed over. Behind an earlier
/// signature the same bytes are a change that nobody permits, and it is too late.
pub(super) fn demand_known_end(document: &Document) -> Result<(), PdfError> {
    let Some(offset) = document.trailing_bytes()? else { return Ok(()) };
    if !document.signatures()?.is_empty() {
        let what = "other bytes follow the last %%EOF, behind a signature that they break";
        return Err(PdfError::damaged(offset, what));
    }
    let end = document.source.len();
    if end - offset > LONGEST_TAIL {
        return Err(PdfError::damaged(offset, "too many other bytes follow the last %%EOF"));
    }
    let tail = document.source.read(offset..end)?;
    let holds = |word: &&[u8]| tail.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    if let Some(word) = WORDS.iter().find(|word| holds(word)) {
        let word = String::from_utf8_lossy(word);
        let what = format!("other bytes follow the last %%EOF, and `{word}` among them could pass for PDF");
        return Err(PdfError::damaged(offset, what));
    }
    Ok(())
}

/// Forms in XFA (ISO 32000-1 section 12.7.8; gone from PDF 2.0).
///
/// A dynamic one has no pages of its own: what a person sees is made by the few programs that know XFA, all others show
/// "please wait". Nobody can tell what a signature there says. Of a static one the pages are real, and the form exists
/// twice: a field that stands in both is signed as Acrobat signs it, but a new one would stand in one half only.
fn demand_one_form(document: &Document, what: Use) -> Result<(), PdfError> {
    let catalog = document.catalog()?;
    let last = document.last();
    let form = document.resolve(last, catalog.get("AcroForm").unwrap_or(&Object::Null))?.1;
    if form.as_dictionary().and_then(|form| form.get("XFA")).is_none() {
        return Ok(());
    }
    let rendered = document.resolve(last, catalog.get("NeedsRendering").unwrap_or(&Object::Null))?.1;
    if rendered == Object::Boolean(true) {
        let what = "it is a dynamic XFA form, whose pages each program makes for itself; print it to a PDF and sign that";
        return Err(PdfError::Form { what });
    }
    if what == Use::AddSignatureField {
        let what =
            "it is an XFA form, which does not know a new field; name an empty signature field that it has";
        return Err(PdfError::Form { what });
    }
    Ok(())
}

/// In bytes; as far back as the last `startxref` is looked for, too.
const LONGEST_TAIL: u64 = 64 * 1024;

/// What a program that repairs files looks for.
const WORDS: [&[u8]; 6] = [b" obj", b"xref", b"trailer", b"stream", b"%PDF", b"%%EOF"];
